package org.attune.examples.agents;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.cli.Main;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;

/// Methods that compare two completions, or a student with its teacher, learn from episodes.
class EpisodeMethodsTest {
    @TempDir private Path folder;

    @BeforeEach
    void write() throws IOException {
        EchoWorld.write(folder);
    }

    private JsonNode first(String method, String out, String... more) throws IOException {
        List<String> arguments =
                new ArrayList<>(
                        List.of(
                                method,
                                "model_name_or_path=" + EchoWorld.MODEL,
                                "datasets=" + folder.resolve("prompts.jsonl"),
                                "environments={echo: " + folder.resolve("Echo.java") + "}",
                                "output_dir=" + folder.resolve(out),
                                "use_peft=true",
                                "lora_dropout=0",
                                "lora_r=2",
                                "dtype=float32",
                                "lr_scheduler_type=constant",
                                "max_steps=2",
                                "max_new_tokens=60",
                                "save_steps=1",
                                "save_strategy=steps",
                                "per_device_train_batch_size=2",
                                "learning_rate=1e-3",
                                "logging_steps=1"));
        arguments.addAll(List.of(more));
        assertEquals(0, Main.run(arguments.toArray(String[]::new)));
        String line = Files.readAllLines(folder.resolve(out).resolve("metrics.jsonl")).getFirst();
        return new ObjectMapper().readTree(line);
    }

    private byte[] adapter(String name) throws IOException {
        return Files.readAllBytes(folder.resolve(name).resolve("adapter_model.safetensors"));
    }

    /// The pairs of the first round: what both have in common is checked here.
    private List<List<EchoWorld.Recorded>> pairs(String file) throws IOException {
        List<EchoWorld.Recorded> all =
                EchoWorld.recorded(folder.resolve(file)).stream()
                        .filter(e -> e.round() == 0)
                        .sorted(Comparator.comparingInt(EchoWorld.Recorded::place))
                        .toList();
        assertEquals(4, all.size());
        List<List<EchoWorld.Recorded>> pairs = new ArrayList<>();
        for (int i = 0; i < 4; i += 2) {
            pairs.add(all.subList(i, i + 2));
            for (int member = 0; member < 2; member++) {
                assertEquals(i + member, all.get(i + member).place());
                assertEquals(member, all.get(i + member).member());
            }
            assertEquals(all.get(i).seed(), all.get(i + 1).seed(), "one world for both");
        }
        assertNotEquals(all.get(0).seed(), all.get(2).seed());
        return pairs;
    }

    private static double mean(
            List<List<EchoWorld.Recorded>> pairs, ToDoubleFunction<List<EchoWorld.Recorded>> of) {
        return pairs.stream().mapToDouble(of).average().orElseThrow();
    }

    private static EchoWorld.Recorded better(List<EchoWorld.Recorded> pair) {
        return pair.get(0).reward() >= pair.get(1).reward() ? pair.get(0) : pair.get(1);
    }

    private String record(String file) {
        return "record_rollouts=" + folder.resolve(file);
    }

    /// Before the first update policy and reference are one, so both sampled with the
    /// log-probabilities that the loss has.
    @Tag("thorough")
    @Test
    void xpoLearnsFromEpisodesOfBothAndResumes() throws IOException {
        JsonNode step = first("xpo", "whole", "alpha=0.01", record("rounds.jsonl"));
        List<List<EchoWorld.Recorded>> pairs = pairs("rounds.jsonl");
        assertEquals(2.0, step.get("episodes/turns/mean").asDouble());
        assertEquals(
                mean(pairs, p -> 0.01 * p.get(1).logProb()), step.get("loss/xpo").asDouble(), 1e-5);
        assertEquals(Math.log(2), step.get("loss/dpo").asDouble(), 1e-4);
        assertEquals(
                mean(pairs, p -> p.get(0).reward()), step.get("objective/model_scores").asDouble());
        assertEquals(
                mean(pairs, p -> p.get(1).reward()), step.get("objective/ref_scores").asDouble());

        first(
                "xpo",
                "replayed",
                "alpha=0.01",
                "recorded_rollouts=" + folder.resolve("rounds.jsonl"));
        assertArrayEquals(adapter("whole"), adapter("replayed"));
        first("xpo", "halves", "alpha=0.01", "max_steps=1");
        first("xpo", "halves", "alpha=0.01", "resume=true");
        assertArrayEquals(adapter("whole"), adapter("halves"));
    }

    @Tag("thorough")
    @Test
    void nashMdLearnsFromEpisodesThatBeatTheMixtures() throws IOException {
        JsonNode step =
                first("nash_md", "nash", "max_steps=1", "temperature=1", record("rounds.jsonl"));
        List<List<EchoWorld.Recorded>> pairs = pairs("rounds.jsonl");
        assertEquals(
                mean(
                        pairs,
                        p -> {
                            double won = p.get(0).reward() - p.get(1).reward();
                            return (1 / (1 + Math.exp(-won)) - 0.5) * p.get(0).logProb();
                        }),
                step.get("loss/score").asDouble(),
                1e-4);
        assertEquals(0, step.get("loss/kl").asDouble(), 1e-4);
        assertNotEquals(pairs.get(0).get(0).logProb(), pairs.get(0).get(1).logProb());
    }

    /// All rows of an episode count, each behind the tokens that its turns were sampled behind.
    @Tag("thorough")
    @Test
    void pairsOfForkedEpisodesAreComparedInAllTheirRows() throws IOException {
        String[] more = {
            "history=template",
            "chat_template_path=" + EchoWorld.forkingTemplate(folder, "~ ' '"),
            record("rounds.jsonl")
        };
        JsonNode step = first("online_dpo", "forked", more);
        List<List<EchoWorld.Recorded>> pairs = pairs("rounds.jsonl");
        assertTrue(pairs.stream().flatMap(List::stream).allMatch(e -> e.forks() == 1));
        assertEquals(
                mean(pairs, p -> better(p).logProb()), step.get("logps/chosen").asDouble(), 1e-4);
        assertEquals(
                mean(pairs, p -> p.get(0).logProb() + p.get(1).logProb()) / -2,
                step.get("objective/entropy").asDouble(),
                1e-4);
    }

    /// Student and teacher play the prompts of given completions; of these the assistant's turns
    /// count alone.
    @Tag("thorough")
    @Test
    void gkdLearnsFromEpisodesOfStudentAndTeacher() throws IOException {
        first("online_dpo", "start", "max_steps=1", "learning_rate=0.01");
        Path rows =
                Files.writeString(
                        folder.resolve("rows.jsonl"),
                        """
                        {"prompt": [{"role": "user", "content": "4 2"}], "completion": \
                        [{"role": "assistant", "content": "2"}, {"role": "user", "content": "on"}, \
                        {"role": "assistant", "content": "2 4"}]}
                        {"prompt": [{"role": "user", "content": "9 1"}], "completion": \
                        [{"role": "assistant", "content": "1 9"}]}
                        """);
        String[] more = {
            "datasets=" + rows,
            "teacher_model_name_or_path=" + EchoWorld.MODEL,
            "adapter_name_or_path=" + folder.resolve("start"),
            "history=template",
            "chat_template_path=" + EchoWorld.forkingTemplate(folder, "~ ' '")
        };
        for (String writer : List.of("lmbda=1", "seq_kd=true")) {
            List<String> all = new ArrayList<>(List.of(more));
            all.add(writer);
            all.add(writer.startsWith("seq") ? "lmbda=0" : "seq_kd=false");
            JsonNode step = first("gkd", writer, all.toArray(String[]::new));
            assertTrue(step.get("loss").asDouble() > 0, step.toString());
            assertTrue(step.get("grad_norm").asDouble() > 0, step.toString());
            if (writer.startsWith("lmbda")) {
                assertEquals(2.0, step.get("episodes/turns/mean").asDouble());
            }
        }
    }
}
