package org.attune.examples.learning;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.cli.config.RunConfigReader;
import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.util.List;

/// The study's runs are the quickstart's.
final class QuickstartRunsTest {
    private static final Path QUICKSTART =
            Path.of(System.getProperty("attune.root", ".."), "examples", "quickstart");
    private final QuickstartRuns runs = new QuickstartRuns(Path.of(""));

    @Test
    void grpo() {
        assertEquals(
                new RunConfigReader().grpo(QUICKSTART.resolve("grpo.yaml"), List.of()).config(),
                runs.grpo(1, Path.of("quickstart/grpo")));
    }

    @Test
    void dpo() {
        assertEquals(
                new RunConfigReader().dpo(QUICKSTART.resolve("dpo.yaml"), List.of()).config(),
                runs.dpo(1, Path.of("quickstart/dpo")));
    }
}
