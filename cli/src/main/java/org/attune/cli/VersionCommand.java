package org.attune.cli;

import org.attune.error.AttuneException;

import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;
import java.util.concurrent.Callable;

/// `attune version`
@Command(name = "version", description = "Print the version, and those of what it runs on.")
final class VersionCommand implements Callable<Integer> {
    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Override
    public Integer call() {
        spec.commandLine().getOut().println(text());
        return ExitCodes.DONE;
    }

    /// For `--version`.
    static final class Provider implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {text()};
        }
    }

    /// One line.
    static String text() {
        Properties versions = versions();
        return "attune %s (libtorch %s, DJL %s, Java %s, %s %s)"
                .formatted(
                        versions.getProperty("attune"),
                        versions.getProperty("libtorch"),
                        versions.getProperty("djl"),
                        System.getProperty("java.version"),
                        System.getProperty("os.name"),
                        System.getProperty("os.arch"));
    }

    static Properties versions() {
        var versions = new Properties();
        try (InputStream in = VersionCommand.class.getResourceAsStream("version.properties")) {
            versions.load(in);
        } catch (IOException e) {
            throw new AttuneException("version.properties cannot be read", e);
        }
        return versions;
    }
}
