package org.attune.cli.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.grpo.GrpoMethod;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Where a run's paths lead.
class PathKeysTest {
    private static final Path HERE = Path.of("").toAbsolutePath();

    @TempDir Path folder;
    private final RunConfigReader reader = new RunConfigReader();

    @BeforeEach
    void inputs() throws IOException {
        for (String name :
                List.of("rows.jsonl", "held.jsonl", "Polite.java", "t.jinja", "rolled.jsonl")) {
            Files.writeString(folder.resolve(name), "x");
        }
        for (String name : List.of("model", "adapter", "ref", "judge", "data")) {
            Files.createDirectory(folder.resolve(name));
        }
    }

    private LoadedRun<GrpoConfig> grpo(String yaml, String... words) throws IOException {
        Path file = Files.writeString(folder.resolve("run.yaml"), yaml);
        return reader.read(new GrpoMethod(), file, List.of(words));
    }

    @Test
    void aTemplateMayBeKnownByName() throws IOException {
        GrpoConfig config =
                grpo(BESIDE.replace("chat_template_path: t.jinja", "chat_template_path: chatml"))
                        .config();
        assertEquals(Optional.of("chatml"), config.model().chatTemplatePath());
    }

    private static final String BESIDE =
            """
            model_name_or_path: model
            adapter_name_or_path: ./adapter
            ref_model_name_or_path: ref
            reference: model
            chat_template_path: t.jinja
            datasets: [rows.jsonl, {path: data, name: x}, "data#named", org/name]
            eval_datasets: {path: held.jsonl}
            reward_funcs:
              - Polite.java
              - {file: Polite.java, label: other}
              - {model: judge}
              - gsm8k
            recorded_rollouts: rolled.jsonl
            output_dir: out
            """;

    @Test
    void whatStandsBesideTheFileIsFoundFromAnywhere() throws IOException {
        GrpoConfig config = grpo(BESIDE).found().config();
        assertEquals(at("model"), config.model().modelNameOrPath());
        assertEquals(Optional.of(at("adapter")), config.model().adapterNameOrPath());
        assertEquals(Optional.of(at("t.jinja")), config.model().chatTemplatePath());
        assertEquals(
                List.of(at("rows.jsonl"), at("data"), at("data") + "#named", "org/name"),
                config.data().datasets().stream().map(d -> d.path()).toList());
        assertEquals(at("held.jsonl"), config.data().evalDatasets().getFirst().path());
        assertEquals(
                List.of(
                        at("Polite.java"),
                        Map.of("file", at("Polite.java"), "label", "other"),
                        Map.of("model", at("judge")),
                        "gsm8k"),
                config.rewards().rewardFuncs());
        assertEquals(Optional.of(folder.resolve("rolled.jsonl")), rolled(config));
        assertEquals(Path.of("out"), config.training().save().outputDir());
    }

    private static Optional<Path> rolled(GrpoConfig config) {
        return config.rollouts().recordedRollouts();
    }

    private String at(String name) {
        return folder.toAbsolutePath().normalize().resolve(name).toString();
    }

    @Test
    void theCommandLinesPathsStartWhereItRuns() throws IOException {
        LoadedRun<GrpoConfig> loaded = grpo(BESIDE, "datasets=rows.jsonl");
        assertEquals("rows.jsonl", loaded.config().data().datasets().getFirst().path());
        String message = assertThrows(ConfigException.class, loaded::found).getMessage();
        assertTrue(
                message.contains(
                        "argument datasets=rows.jsonl: datasets: rows.jsonl: no such file or"
                                + " folder; looked at "
                                + HERE.resolve("rows.jsonl")),
                message);
        assertTrue(!message.contains(at("rows.jsonl")), message);
    }

    @Test
    void whatIsNowhereIsToldWithBothPlaces() throws IOException {
        LoadedRun<GrpoConfig> loaded =
                grpo(
                        BESIDE.replace("rows.jsonl", "none.jsonl")
                                .replace("t.jinja", "none")
                                .replace(": ./adapter", ": ./none"));
        String message = assertThrows(ConfigException.class, loaded::found).getMessage();
        assertTrue(message.startsWith("3 problems:"), message);
        assertTrue(
                message.contains(
                        "run.yaml:6: datasets: none.jsonl: no such file or folder; looked at %s and at %s"
                                .formatted(HERE.resolve("none.jsonl"), at("none.jsonl"))),
                message);
        assertTrue(message.contains("run.yaml:5: chat_template_path: none: "), message);
        assertTrue(message.contains("run.yaml:2: adapter_name_or_path: ./none: "), message);
    }

    @Test
    void whatIsInBothPlacesIsRefused() throws IOException {
        String name = "twice-" + ProcessHandle.current().pid() + ".jsonl";
        Path here = Files.writeString(Path.of(name), "x");
        try {
            Files.writeString(folder.resolve(name), "y");
            String yaml = BESIDE.replace("rows.jsonl", name);
            String message = assertThrows(ConfigException.class, () -> grpo(yaml)).getMessage();
            assertTrue(
                    message.contains(
                            "run.yaml:6: datasets: %s may be %s or %s; write one of these"
                                    .formatted(name, here.toAbsolutePath(), at(name))),
                    message);
            grpo(yaml, "datasets=" + name).found();
        } finally {
            Files.delete(here);
        }
    }

    @Test
    void homeAndVariablesAreReplaced() throws IOException {
        String home = System.getProperty("user.home");
        GrpoConfig config =
                grpo(
                                BESIDE,
                                "output_dir=~/out",
                                "model_name_or_path=$HOME/none",
                                "--record_rollouts=${HOME}/r")
                        .config();
        assertEquals(Path.of(home, "out"), config.training().save().outputDir());
        assertEquals(System.getenv("HOME") + "/none", config.model().modelNameOrPath());
        String message =
                assertThrows(
                                ConfigException.class,
                                () -> grpo(BESIDE, "output_dir=$ATTUNE_NOT_SET/x"))
                        .getMessage();
        assertTrue(
                message.contains(
                        "output_dir: $ATTUNE_NOT_SET/x: the environment variable ATTUNE_NOT_SET is"
                                + " not set"),
                message);
    }
}
