package org.attune.hub;

import org.attune.error.StopRequest;
import org.attune.hash.Sha256;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;

/// A file to upload.
///
/// @param path its name in the repository, with slashes
/// @param content where it is now
public record UploadFile(String path, Path content) {
    private static final int SAMPLE = 512;
    private static final int BUFFER = 1 << 16;

    long size() throws IOException {
        return Files.size(content);
    }

    /// The first bytes, by which the Hub tells text from other content.
    byte[] sample() throws IOException {
        try (InputStream in = Files.newInputStream(content)) {
            return in.readNBytes(SAMPLE);
        }
    }

    String sha256() throws IOException {
        try (InputStream in = Files.newInputStream(content)) {
            MessageDigest digest = Sha256.begin();
            var buffer = new byte[BUFFER];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                StopRequest.check();
                digest.update(buffer, 0, n);
            }
            return Sha256.hex(digest);
        }
    }
}
