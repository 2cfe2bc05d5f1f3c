package org.attune.files;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// The one place where files and folders are forced to the disk. What fails here was not written,
/// whatever was said before: the error is passed on.
final class Disk {
    /// Forces a channel; tests put one here that fails.
    @FunctionalInterface
    interface Forcing {
        void force(FileChannel channel, Path path) throws IOException;
    }

    static final ScopedValue<Forcing> FORCING = ScopedValue.newInstance();

    private Disk() {}

    /// @param path of the channel
    static void force(FileChannel channel, Path path) throws IOException {
        if (FORCING.isBound()) {
            FORCING.get().force(channel, path);
        } else {
            channel.force(true);
        }
    }

    /// Forces a folder's entries, so that a rename survives a power cut. Not every system can open
    /// a folder or force it; there the rename is as durable as the system makes it.
    static void forceFolder(Path folder) throws IOException {
        FileChannel channel;
        try {
            channel = FileChannel.open(folder, StandardOpenOption.READ);
        } catch (IOException e) {
            return; // Windows
        }
        try (channel) {
            force(channel, folder);
        } catch (IOException e) {
            if (!isUnsupported(e)) {
                throw e;
            }
        }
    }

    /// Network and FUSE file systems may say so of a folder; an error of the disk is another one.
    private static boolean isUnsupported(IOException e) {
        String said = String.valueOf(e.getMessage());
        return said.contains("Invalid argument")
                || said.contains("Bad file descriptor")
                || said.contains("not supported")
                || said.contains("not implemented");
    }
}
