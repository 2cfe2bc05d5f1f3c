package org.attune.hub;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// The hashes by which the Hub names contents.
final class FakeHashes {
    private FakeHashes() {}

    static String sha1(byte[] content) {
        return hex("SHA-1", new byte[0], content);
    }

    static String sha256(byte[] content) {
        return hex("SHA-256", new byte[0], content);
    }

    /// As git names a blob.
    static String git(byte[] content) {
        String head = "blob " + content.length + "\0";
        return hex("SHA-1", head.getBytes(StandardCharsets.UTF_8), content);
    }

    private static String hex(String algorithm, byte[] head, byte[] content) {
        try {
            MessageDigest digest = MessageDigest.getInstance(algorithm);
            digest.update(head);
            return HexFormat.of().formatHex(digest.digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
