package org.attune.agents.loop;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.agents.environment.Environment;
import org.attune.agents.environment.Opening;
import org.attune.agents.environment.Step;
import org.attune.agents.tool.ToolCaller;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeRow;
import org.attune.episode.EpisodeStart;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Layout;
import org.attune.model.pass.Logits;
import org.attune.model.source.ModelSource;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.generation.Generator;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.rollout.source.EngineRollouts;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.attune.text.ChatTemplate.Tail;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/// Episodes of a small model in each family's template: what a pass over the whole sequence gives
/// its own tokens is what they were sampled with.
@Tag("fixtures-agents")
final class EpisodeLogProbsFixtureTest {
    /// Answers two turns.
    private static final class Talk implements Environment {
        @Override
        public Opening reset(EpisodeStart start) {
            return Opening.NOTHING;
        }

        @Override
        public Step step(ParsedTurn turn, int index) {
            return index == 2
                    ? new Step.Done(0, true)
                    : new Step.Observe(
                            List.of(Message.of("user", "Go on, " + index + ": größer?")), 0);
        }
    }

    @Test
    void trainingSeesWhatWasSampled() throws IOException {
        Path root = Fixtures.fixture("agents");
        try (var report = new CaseReport("fixtures-agents", getClass())) {
            Engine.run(
                    () -> {
                        try (ModelSource model =
                                        ModelSource.open(root.resolve("model").toString());
                                Decoder decoder =
                                        Decoder.load(
                                                model.config(),
                                                model.tensors(),
                                                Device.cpu(),
                                                DType.FLOAT32)) {
                            for (Path folder : oneOfEachTemplate(root)) {
                                report.run(
                                        folder.getFileName().toString(),
                                        () -> check(root, folder, decoder));
                            }
                        }
                    });
        }
    }

    /// The first case, by name, of each chat template.
    private static Collection<Path> oneOfEachTemplate(Path root) {
        Map<String, Path> first = new LinkedHashMap<>();
        for (Path folder : Recorded.folders(root.resolve("episodes"))) {
            JsonNode config = Recorded.json(folder.resolve("config.json"));
            first.putIfAbsent(config.get("chat_template").asText(), folder);
        }
        return first.values();
    }

    private static void check(Path root, Path folder, Decoder decoder) throws IOException {
        try (var recorded = new EpisodeCase(root, folder);
                var caller = new ToolCaller()) {
            // A model that knows nothing hardly ends a turn by itself.
            Set<Integer> stops = new HashSet<>(recorded.endIds());
            IntStream.range(0, 60).forEach(stops::add);
            var sampling = SamplingConfig.of(Distribution.plain(), 120, stops, 5);
            var generator =
                    new Generator(
                            decoder, Adapter.OFF, Optional.of(recorded.chat().tokenizer()), 3);
            var worlds = new Worlds(List.of(), Map.of("talk", Talk::new));
            List<RolloutPrompt> prompts = prompts(recorded);
            double largest = 0;
            int forks = 0;
            for (History history : History.values()) {
                var run =
                        new EpisodeRun(
                                worlds,
                                format(recorded),
                                EpisodeConfig.defaults().withHistory(history),
                                caller,
                                120,
                                decoder.config().maxPositionEmbeddings());
                for (Episode episode : episodes(run, generator, sampling, prompts)) {
                    assertTrue(episode.turns().size() > 1, episode.end().key());
                    forks += episode.rows().size() - 1;
                    for (EpisodeRow row : episode.rows()) {
                        largest = Math.max(largest, largest(decoder, row));
                    }
                }
            }
            assertTrue(largest <= 1e-5, "differs by " + largest);
            System.out.printf("%s: %.1e, %d forks%n", folder.getFileName(), largest, forks);
            checkSingleTurns(recorded, generator, sampling, prompts, caller);
        }
    }

    private static EpisodeFormat format(EpisodeCase recorded) {
        var codec = new TemplateCodec(recorded.chat(), recorded.variables(), recorded.endIds());
        EpisodeFormat trl = recorded.format(AnswerForm.PLAIN);
        return new EpisodeFormat(trl.chat(), trl.variables(), codec, trl.parser(), trl.answers());
    }

    private static List<RolloutPrompt> prompts(EpisodeCase recorded) {
        List<Message> messages = List.of(Message.of("user", "What is 3 × 14?"));
        int[] ids =
                recorded.chat()
                        .encode(
                                new Conversation(messages, List.of(), recorded.variables()),
                                Tail.GENERATION_PROMPT)
                        .ids();
        List<RolloutPrompt> prompts = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            prompts.add(new RolloutPrompt(0, ids, messages, Map.of()));
        }
        return prompts;
    }

    private static List<Episode> episodes(
            EpisodeRun run,
            Generator generator,
            SamplingConfig sampling,
            List<RolloutPrompt> prompts) {
        List<Episode> episodes = new ArrayList<>();
        try (var turns =
                generator.turns(sampling, 4, prompts.getFirst().ids().length, 120, 2000, true)) {
            List<EpisodeTask> tasks =
                    EpisodeSource.tasks(prompts, EpisodeSource.Part.all(sampling.seed()), 0);
            episodes.addAll(run.complete(tasks, turns, EpisodeListener.NONE));
        }
        return episodes;
    }

    private static double largest(Decoder decoder, EpisodeRow row) {
        int[] ids =
                IntStream.concat(Arrays.stream(row.promptIds()), Arrays.stream(row.ids()))
                        .toArray();
        var layout =
                new Layout(
                        ids,
                        IntStream.range(0, ids.length).toArray(),
                        List.of(new Layout.Span(-1, 0, ids.length)));
        double largest = 0;
        try (var _ = TensorScope.open("test")) {
            float[] logits = Logits.of(decoder, layout, Adapter.OFF).toFloats();
            int V = decoder.config().vocabSize();
            for (int i = 0; i < row.ids().length; i++) {
                if (!row.foreign().get(i)) {
                    int at = (row.promptIds().length + i - 1) * V;
                    double sum = 0;
                    for (int v = 0; v < V; v++) {
                        sum += Math.exp(logits[at + v]);
                    }
                    double expected = logits[at + row.ids()[i]] - Math.log(sum);
                    largest = Math.max(largest, Math.abs(expected - row.logProbs()[i]));
                }
            }
        }
        return largest;
    }

    /// Without tools and environment the source gives what the one of single turns gives.
    private static void checkSingleTurns(
            EpisodeCase recorded,
            Generator generator,
            SamplingConfig sampling,
            List<RolloutPrompt> prompts,
            ToolCaller caller) {
        var run =
                new EpisodeRun(
                        Worlds.NONE,
                        format(recorded),
                        EpisodeConfig.defaults(),
                        caller,
                        120,
                        recorded.number("context"));
        List<SampledCompletion> expected =
                new EngineRollouts(generator, generator, sampling, sampling).complete(prompts, 2);
        List<SampledCompletion> made =
                new EpisodeSource(run, generator, generator, sampling, sampling)
                        .complete(prompts, 2);
        for (int i = 0; i < prompts.size(); i++) {
            assertArrayEquals(expected.get(i).ids(), made.get(i).ids());
            assertArrayEquals(expected.get(i).logProbs(), made.get(i).logProbs());
            assertEquals(expected.get(i).reason(), made.get(i).reason());
        }
    }
}
