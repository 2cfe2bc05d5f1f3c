package org.attune.reward.spec;

import org.attune.error.ConfigException;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/// Hashes of what rewards are made of, so that a resumed run tells that one is no longer the same.
final class RewardContent {
    private RewardContent() {}

    /// Of files, in their order.
    ///
    /// @return empty if there are none
    /// @throws ConfigException if one can't be read
    static String ofFiles(List<Path> files) {
        if (files.isEmpty()) {
            return "";
        }
        MessageDigest digest = sha256();
        for (Path file : files) {
            try {
                digest.update(sha256().digest(Files.readAllBytes(file)));
            } catch (IOException e) {
                throw new ConfigException(
                        "can't read %s, which a reward is made of: %s"
                                .formatted(file, e.getMessage()),
                        e);
            }
        }
        return hex(digest);
    }

    /// Of a compiled class.
    ///
    /// @return empty if its bytes aren't found
    static String ofClass(Class<?> type) {
        String file = type.getName().substring(type.getName().lastIndexOf('.') + 1) + ".class";
        try (InputStream bytes = type.getResourceAsStream(file)) {
            if (bytes == null) {
                return "";
            }
            MessageDigest digest = sha256();
            digest.update(bytes.readAllBytes());
            return hex(digest);
        } catch (IOException e) {
            throw new ConfigException("can't read the class " + type.getName() + ": " + e, e);
        }
    }

    private static String hex(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest()).substring(0, 32);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
