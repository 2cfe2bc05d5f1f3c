package org.attune.trainers.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.error.ConfigException;
import org.attune.trainers.sft.SftConfig;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

class RunReportsTest {
    private static final List<String> CALLS = new ArrayList<>();
    private static final ClassLoader BEFORE = Thread.currentThread().getContextClassLoader();

    @TempDir Path folder;
    private URLClassLoader loader;

    /// A reporter that fails wherever a report may fail.
    abstract static class Failing implements RunReporter {
        @Override
        public String name() {
            return getClass().getSimpleName().toLowerCase(Locale.ROOT);
        }

        @Override
        public RunReport open(RunSettings run) {
            CALLS.add("open " + name());
            return new RunReport() {
                @Override
                public void write() throws IOException {
                    CALLS.add("write " + name());
                    throw new IOException("full");
                }

                @Override
                public void close() {
                    CALLS.add("close " + name());
                    throw new IllegalStateException("broken");
                }
            };
        }
    }

    /// In every run.
    public static final class Page extends Failing {
        @Override
        public boolean always() {
            return true;
        }
    }

    /// When asked for.
    public static final class First extends Failing {}

    /// Doesn't open.
    public static final class Second extends Failing {
        @Override
        public RunReport open(RunSettings run) {
            throw ConfigException.about("report_to", "second has no address");
        }
    }

    /// Has a name that another has.
    public static final class Twin extends Failing {
        @Override
        public String name() {
            return "first";
        }
    }

    @BeforeEach
    void clear() {
        CALLS.clear();
    }

    private void provide(Class<?>... reporters) throws IOException {
        Path services = Files.createDirectories(folder.resolve("META-INF/services"));
        List<String> names = new ArrayList<>();
        for (Class<?> reporter : reporters) {
            names.add(reporter.getName());
        }
        Files.write(services.resolve(RunReporter.class.getName()), names);
        loader = new URLClassLoader(new URL[] {folder.toUri().toURL()}, BEFORE);
        Thread.currentThread().setContextClassLoader(loader);
    }

    @AfterEach
    void close() throws IOException {
        Thread.currentThread().setContextClassLoader(BEFORE);
        if (loader != null) {
            loader.close();
        }
    }

    private static RunReports open(String... reportTo) {
        SftConfig config =
                SftConfig.defaults()
                        .withTraining(t -> t.withLog(l -> l.withReportTo(List.of(reportTo))));
        return RunReports.open(
                new RunSettings(config, config.training(), SftConfig.defaults(), Map.of()));
    }

    @Test
    void thoseAskedForAreOpenedInTheOrderOfTheClassPath() throws IOException {
        provide(Page.class, Second.class, First.class);
        try (RunReports reports = open("none", "FIRST")) {
            assertEquals(2, reports.listeners().size());
            reports.write();
        }
        assertEquals(
                List.of(
                        "open page",
                        "open first",
                        "write page",
                        "write first",
                        "close page",
                        "close first"),
                CALLS,
                "what fails doesn't keep the others from being called");
    }

    @Test
    void whatWasOpenedIsClosedIfAnotherDoesNotOpen() throws IOException {
        provide(First.class, Second.class);
        var e = assertThrows(ConfigException.class, () -> open("second", "first"));
        assertEquals("report_to: second has no address", e.getMessage());
        assertEquals(List.of("open first", "close first"), CALLS);
    }

    @Test
    void equalNamesAreRefused() throws IOException {
        provide(First.class, Twin.class);
        var e = assertThrows(ConfigException.class, () -> open("first"));
        assertEquals(
                "report_to: %s and %s are both called first; leave one of them out of the class path"
                        .formatted(First.class.getName(), Twin.class.getName()),
                e.getMessage());
    }

    /// The tests of this module run without the one that has the trackers.
    @Test
    void trackersOfAnAbsentModuleAreKnownByName() {
        var e = assertThrows(ConfigException.class, () -> open("wandb"));
        assertEquals(
                "report_to: wandb; accepted: none; wandb is in the module attune-reports, which is"
                        + " not on the class path",
                e.getMessage());
        assertEquals(List.of("none"), RunReporters.names());
    }
}
