package org.attune.hash;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// SHA-256 (FIPS 180-4), which every Java platform has.
public final class Sha256 {
    private static final int CHUNK = 1 << 20;

    private Sha256() {}

    /// A digest that nothing has been fed to yet.
    public static MessageDigest begin() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /// The 32 bytes of a text's hash.
    ///
    /// @param text hashed in UTF-8
    public static byte[] of(String text) {
        return begin().digest(text.getBytes(StandardCharsets.UTF_8));
    }

    /// A text's hash as 64 hexadecimal digits.
    ///
    /// @param text hashed in UTF-8
    public static String hex(String text) {
        return HexFormat.of().formatHex(of(text));
    }

    /// Ends a digest.
    ///
    /// @return 64 hexadecimal digits
    public static String hex(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest());
    }

    /// The hash of a file's present content as 64 hexadecimal digits.
    public static String hex(Path file) throws IOException {
        MessageDigest digest = begin();
        ByteBuffer buffer = ByteBuffer.allocate(CHUNK);
        try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
            while (channel.read(buffer) >= 0) {
                digest.update(buffer.flip());
                buffer.clear();
            }
        }
        return hex(digest);
    }
}
