package org.attune.trainers.report;

import org.attune.error.AttuneException;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;

/// Versions of Attune and of what it runs on.
public final class Versions {
    private Versions() {}

    /// Versions by name: `attune`, `libtorch` (the one that comes along) and `djl`.
    public static Properties all() {
        var versions = new Properties();
        try (InputStream in = Versions.class.getResourceAsStream("version.properties")) {
            versions.load(in);
        } catch (IOException e) {
            throw new AttuneException("version.properties cannot be read", e);
        }
        return versions;
    }

    /// Attune's.
    public static String attune() {
        return all().getProperty("attune");
    }

    /// All versions in one line.
    public static String text() {
        Properties versions = all();
        return "attune %s (libtorch %s, DJL %s, Java %s, %s %s)"
                .formatted(
                        versions.getProperty("attune"),
                        versions.getProperty("libtorch"),
                        versions.getProperty("djl"),
                        System.getProperty("java.version"),
                        System.getProperty("os.name"),
                        System.getProperty("os.arch"));
    }
}
