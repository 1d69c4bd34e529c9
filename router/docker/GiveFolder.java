// SPDX-License-Identifier: Apache-2.0

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Gives a mounted folder to the user id that shall write into it. A bind mount arrives with the owner that it has on
 * the host, and Docker creates a missing one as root; the engines that share it run as another user.
 */
final class GiveFolder {

    private GiveFolder() {}

    public static void main(String[] args) throws IOException {
        Path folder = Path.of(args[0]);
        int user = Integer.parseInt(args[1]);
        Files.setAttribute(folder, "unix:uid", user);
        System.out.println(folder + " belongs to user " + user);
    }
}
