// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.text;

import java.util.List;

/** The words that the simulated model speaks; some are not ASCII, so that relays meet UTF-8 of two to four bytes. */
final class Words {
    /** All words, each once; the position is part of the token ids and must not change. */
    static final List<String> ALL = List.of("""
            about above across action after again agent almost along always amber among ancient animal \
            answer apple april arrow autumn baker balance bamboo basket beach before begin below bench \
            between beyond bicycle bird black blanket block blossom blue board boat book border bottle \
            branch bread breeze bridge bright broad brother brown bucket build butter cabin cable cache \
            candle canyon captain carbon castle catch cedar center chain chalk change cheese cherry circle \
            city clear clever climb clock cloud coast coffee color comet common compass copper coral corner \
            cotton count country course cover cradle creek crisp crown crystal curious current daily dance \
            dawn decode deep delta desert distant doctor dolphin double dragon dream drift during eagle \
            early earth east echo edge eight elder ember empty engine equal evening every exact fabric \
            falcon family farmer fast father feather fence field figure final finger fire first flame float \
            flower follow forest formal forward fountain fresh friend frost fruit future garden gather \
            gentle giant glass globe golden grain granite grass gravel green group guide hammer harbor \
            harvest hazel heart heavy hello hidden hollow honest honey horizon house human hundred island \
            ivory jacket jasmine journey jungle kernel kettle kitchen lantern large later laurel leader \
            learn lemon letter level light linen little lively local lunar machine magnet maple marble \
            market meadow melody memory middle mirror model modern moment morning mountain music narrow \
            nation nature never night noble north notice number ocean often olive open orange orbit orchard \
            order other outer paper pattern pebble pencil people pepper picture pillar planet plate pocket \
            polar pond prefill prompt proud purple quick quiet rabbit radio rapid raven reader record \
            remote ribbon river robin rocket router sailor salmon sand season second seven shadow shallow \
            shelter signal silent silver simple singer sixty slate smooth solar solid sound south spark \
            spring square stable station steady stone storm story stream street summer sunny system table \
            tandem tender thread three thunder timber token tower travel trumpet tulip turtle twelve under \
            unity upper valley velvet village violet visit voyage walnut water weather west whale wheat \
            window winter wisdom wonder wooden worker world yellow zebra café naïve Zürich Ελλάδα 東京 🌊\
            """.split(" "));

    private Words() {}
}
