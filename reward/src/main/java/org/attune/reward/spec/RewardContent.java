package org.attune.reward.spec;

import org.attune.error.ConfigException;
import org.attune.hash.Sha256;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;

/// Hashes of what rewards are made of, so that a resumed run tells that one is no longer the same.
final class RewardContent {
    private RewardContent() {}

    /// Hashes the bytes of files, in their order.
    ///
    /// @return empty if there are none
    /// @throws ConfigException if one can't be read
    static String ofFiles(List<Path> files) {
        if (files.isEmpty()) {
            return "";
        }
        var hashes = new StringBuilder();
        for (Path file : files) {
            try {
                hashes.append(Sha256.hex(file));
            } catch (IOException e) {
                throw new ConfigException(
                        "can't read %s, which a reward is made of: %s"
                                .formatted(file, e.getMessage()),
                        e);
            }
        }
        return shortened(hashes.toString());
    }

    /// Hashes the bytes of a compiled class.
    ///
    /// @return empty if its bytes aren't found
    static String ofClass(Class<?> type) {
        String file = type.getName().substring(type.getName().lastIndexOf('.') + 1) + ".class";
        try (InputStream bytes = type.getResourceAsStream(file)) {
            if (bytes == null) {
                return "";
            }
            return shortened(HexFormat.of().formatHex(bytes.readAllBytes()));
        } catch (IOException e) {
            throw new ConfigException("can't read the class " + type.getName() + ": " + e, e);
        }
    }

    private static String shortened(String text) {
        return Sha256.hex(text).substring(0, 32);
    }
}
