package org.attune.files;

import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.hash.Sha256;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// SHA-256 of files. Within [#during] large files are hashed while they are written, so that
/// nobody has to read them again to list their hashes. For one thread.
public final class WrittenHashes {
    private static final ScopedValue<WrittenHashes> CURRENT = ScopedValue.newInstance();

    private final Map<Object, Written> byFile = new HashMap<>();

    private record Written(FileTime modified, long size, String hash) {}

    /// Runs `action`; what this thread writes with [SafeTensorsWriter] meanwhile is hashed.
    public void during(Runnable action) {
        ScopedValue.where(CURRENT, this).run(action);
    }

    /// A digest to be fed with what goes to a file; empty where nobody asks for hashes.
    public static Optional<MessageDigest> digest() {
        return CURRENT.isBound() ? Optional.of(Sha256.begin()) : Optional.empty();
    }

    /// Keeps the hash of a file that has been written whole. It is found again under another name
    /// too, as long as nobody has written to the file.
    public static void keep(Path file, MessageDigest digest) throws IOException {
        var attributes = Files.readAttributes(file, BasicFileAttributes.class);
        if (attributes.fileKey() != null) { // else it is read again
            CURRENT.get()
                    .byFile
                    .put(
                            attributes.fileKey(),
                            new Written(
                                    attributes.lastModifiedTime(),
                                    attributes.size(),
                                    Sha256.hex(digest)));
        }
    }

    /// The hash of a file, in hexadecimal digits: as it was written, or read now.
    public String of(Path file) throws IOException {
        var attributes = Files.readAttributes(file, BasicFileAttributes.class);
        Written written = byFile.get(attributes.fileKey());
        boolean same =
                written != null
                        && written.size() == attributes.size()
                        && written.modified().equals(attributes.lastModifiedTime());
        return same ? written.hash() : Sha256.hex(file);
    }
}
