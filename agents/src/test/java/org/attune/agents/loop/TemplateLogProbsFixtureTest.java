package org.attune.agents.loop;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.agents.environment.Environment;
import org.attune.agents.environment.Opening;
import org.attune.agents.environment.Step;
import org.attune.agents.tool.ToolCaller;
import org.attune.agents.tool.ToolSet;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeRow;
import org.attune.episode.EpisodeStart;
import org.attune.error.ConfigException;
import org.attune.error.DatasetException;
import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.policy.CausalPolicy;
import org.attune.policy.Evaluation;
import org.attune.policy.HeadRequest;
import org.attune.policy.Policy;
import org.attune.policy.SequenceTree;
import org.attune.policy.TokenForest;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.generation.Generator;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.tensor.Engine;
import org.attune.testing.CaseReport;
import org.attune.testing.TinyModels;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/// Episodes of a small random model in every recorded chat template that knows tools, with calls,
/// answers and further messages, and with both histories. What a pass of training gives their own
/// tokens is what they were sampled with.
@Tag("fixtures-agents")
final class TemplateLogProbsFixtureTest {
    private static final int EPISODES = 3;
    private static final int MOST_TURNS = 6;
    private static final double TOLERANCE = 1e-5;

    private double largest;
    private int forks;
    private int turns;
    private int answers; // turns of which a call was answered

    /// Answers what calls no tool, three turns long.
    private static final class Talk implements Environment {
        @Override
        public Opening reset(EpisodeStart start) {
            return Opening.NOTHING;
        }

        @Override
        public Step step(ParsedTurn turn, int index) {
            return index >= 3
                    ? new Step.Done(0, true)
                    : Step.observe("Go on, " + index + ": größer?", 0);
        }
    }

    @Test
    void trainingSeesWhatWasSampled() throws IOException {
        List<String> refused = new ArrayList<>();
        List<Path> files = TemplateCase.files();
        try (var report = new CaseReport("fixtures-agents", getClass())) {
            Engine.run(
                    () -> {
                        try (Decoder decoder = TinyModels.decoder(config());
                                Policy policy = policy(decoder)) {
                            for (Path file : files) {
                                run(report, refused, file, policy);
                            }
                        }
                    });
        }
        refused.forEach(System.out::println);
        System.out.println(forks + " times a template left reasoning out of its history");
    }

    private static DecoderConfig config() {
        var attention = new AttentionConfig(4, 2, 8, false, false, false, List.of(0, 0));
        return TinyModels.sized(
                "llama", 32, 44, TemplateCase.VOCABULARY, 2, attention, false, false);
    }

    private static Policy policy(Decoder decoder) {
        return Policy.withFreshAdapter(
                decoder,
                LoraConfig.of(3, 6, 0, ModuleSelection.of("all-linear")),
                RandomSource.XO_SHI_RO_256_PP.create(3L),
                Policy.Options.defaults());
    }

    private void run(CaseReport report, List<String> refused, Path file, Policy policy) {
        String name = file.getParent().getFileName() + "/" + file.getFileName();
        for (History history : History.values()) {
            String label = name + " " + history;
            try (var tried = new TemplateCase(file)) {
                largest = 0;
                turns = 0;
                answers = 0;
                play(tried, history, policy);
                report.run(
                        label,
                        () -> {
                            assertTrue(largest <= TOLERANCE, "differs by " + largest);
                            assertTrue(turns > 2 * EPISODES, turns + " turns");
                            assertTrue(answers > 0, "no call was answered");
                        });
                System.out.printf("%s: %.1e in %d turns%n", label, largest, turns);
            } catch (ConfigException | DatasetException e) {
                report.unsupported(label);
                refused.add(label + " is refused: " + e.getMessage());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private void play(TemplateCase tried, History history, Policy policy) {
        var worlds =
                new Worlds(
                        List.of(_ -> ToolSet.of(List.of(TemplateCase.TOOL))),
                        Map.of("talk", Talk::new));
        Set<Integer> stops = new HashSet<>(tried.endIds());
        // A model that knows nothing hardly ends a turn by itself.
        IntStream.range(0, 100).forEach(stops::add);
        var sampling = SamplingConfig.of(Distribution.plain(), 3000, stops, 5);
        var generator =
                new Generator(
                        policy.decoder(), policy.adapterInUse(), Optional.of(tried.tokens()), 2);
        try (var caller = new ToolCaller()) {
            var config =
                    EpisodeConfig.defaults()
                            .withHistory(history)
                            .withLimits(limits -> limits.withMaxTurns(MOST_TURNS));
            var run = new EpisodeRun(worlds, tried.format(), config, caller, 3000, 4096);
            List<RolloutPrompt> prompts = prompts();
            try (var sampler = generator.turns(sampling, EPISODES, 3000, 3000, 20_000, true)) {
                List<EpisodeTask> tasks =
                        EpisodeSource.tasks(prompts, EpisodeSource.Part.all(sampling.seed()), 0);
                for (Episode episode : run.complete(tasks, sampler, EpisodeListener.NONE)) {
                    look(episode, policy);
                }
            }
        }
    }

    private static List<RolloutPrompt> prompts() {
        List<Message> messages = List.of(Message.of("user", "What is 3 × 14?"));
        return IntStream.range(0, EPISODES)
                .mapToObj(_ -> new RolloutPrompt(0, new int[] {1}, messages, Map.of()))
                .toList();
    }

    /// Compares an episode's rows, as training lays them out.
    private void look(Episode episode, CausalPolicy policy) {
        turns += episode.turns().size();
        answers +=
                (int) episode.turns().stream().filter(turn -> !turn.outcomes().isEmpty()).count();
        List<EpisodeRow> rows = episode.rows();
        forks += rows.size() - 1;
        var builder = TokenForest.builder();
        List<SequenceTree.Path> paths =
                SequenceTree.add(
                        builder,
                        rows.stream().map(TemplateLogProbsFixtureTest::whole).toList(),
                        true);
        List<Float> sampled = new ArrayList<>();
        for (int r = 0; r < rows.size(); r++) {
            EpisodeRow row = rows.get(r);
            for (int i = 0; i < row.ids().length; i++) {
                if (!row.foreign().get(i)) {
                    paths.get(r).target(row.promptIds().length + i);
                    sampled.add(row.logProbs()[i]);
                }
            }
        }
        try (Evaluation evaluation = policy.evaluate(builder.build(), HeadRequest.of())) {
            float[] trained = evaluation.measurement().tokenLogProbs();
            for (int i = 0; i < trained.length; i++) {
                largest = Math.max(largest, Math.abs(trained[i] - sampled.get(i)));
            }
        }
    }

    private static int[] whole(EpisodeRow row) {
        return IntStream.concat(Arrays.stream(row.promptIds()), Arrays.stream(row.ids())).toArray();
    }
}
