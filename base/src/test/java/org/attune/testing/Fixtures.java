package org.attune.testing;

import org.junit.jupiter.api.Assumptions;

import java.nio.file.Files;
import java.nio.file.Path;

/// Where recorded outputs of other libraries, data sets and downloaded models lie: system
/// properties `attune.fixtures`, `attune.data` and `attune.models`. What is absent skips the test
/// with a message. Relative folders start at the project's root, where Maven is called.
public final class Fixtures {
    private Fixtures() {}

    /// A file or folder below `attune.fixtures`; the test is skipped if it is absent.
    public static Path fixture(String relative) {
        return require("attune.fixtures", "../shared/fixtures", relative);
    }

    /// A file or folder below `attune.data`; the test is skipped if it is absent.
    public static Path data(String relative) {
        return require("attune.data", "../shared/data", relative);
    }

    /// A file or folder below `attune.models`; the test is skipped if it is absent.
    public static Path model(String relative) {
        return require(
                "attune.models",
                System.getProperty("user.home") + "/.cache/attune-models",
                relative);
    }

    /// A file or folder of the project itself, which must be there.
    ///
    /// @throws AssertionError if it is absent
    public static Path own(String relative) {
        Path path = root().resolve(relative).normalize();
        if (!Files.exists(path)) {
            throw new AssertionError(path + " is absent: it is part of the project");
        }
        return path;
    }

    private static Path root() {
        return Path.of(System.getProperty("attune.root", "..")).toAbsolutePath();
    }

    private static Path require(String property, String fallback, String relative) {
        String folder = System.getProperty(property, fallback);
        Path path = root().resolve(folder).resolve(relative).normalize();
        if (!Files.exists(path)) {
            String message = "skipped: " + path + " is absent (set -D" + property + "=DIR)";
            System.out.println(message);
            Assumptions.abort(message);
        }
        return path;
    }
}
