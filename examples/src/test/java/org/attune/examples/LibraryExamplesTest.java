package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.error.ConfigException;
import org.attune.examples.quickstart.TinyModel;
import org.attune.models.ModelConfig;
import org.attune.reward.Completion;
import org.attune.reward.CompletionScorer;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardFunction;
import org.attune.reward.RewardTable;
import org.attune.reward.WeightedReward;
import org.attune.reward.external.JavaRewards;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.SaveConfig;
import org.attune.trainers.config.SaveStrategy;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.ppo.PpoConfig;
import org.attune.trainers.run.Runs;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import javax.tools.JavaCompiler.CompilationTask;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/// What the documents show of the library is code that compiles, and runs.
@Tag("thorough")
final class LibraryExamplesTest {
    private static final Path ROOT = Path.of(System.getProperty("attune.root", ".."));
    private static final Pattern CODE = Pattern.compile("(?s)\n```java\n(.*?)\n```");

    /// What pieces of code in `docs/agents.md` find declared around them.
    private static final String AROUND =
            """
            import module java.base;
            import org.attune.agents.environment.*;
            import org.attune.agents.gateway.*;
            import org.attune.agents.loop.*;
            import org.attune.agents.sandbox.*;
            import org.attune.agents.tool.*;
            import org.attune.episode.*;
            import org.attune.rollout.*;
            import org.attune.rollout.generation.*;
            import org.attune.rollout.sampling.*;
            import org.attune.text.*;
            import org.attune.text.parse.*;
            import org.attune.text.parse.protocol.*;
            """;

    private static final String DECLARED =
            """
            AgentHost host, AgentProgram program, EpisodeConfig config, EpisodeFormat format,
            Generator generator, List<EpisodeTask> tasks, Path directory, Path folder,
            ProgramCommand command, SamplingConfig sampling, String prompt, String text,
            List<Object> tools, TextAssets assets, ToolCaller caller, Worlds worlds, int context,
            int longestPrompt, int maxCompletionLength, long tokens\
            """;

    @TempDir static Path folder;
    private static Path model;
    private static Path prompts;

    @BeforeAll
    static void writeModelAndData() throws IOException {
        model = Files.createDirectories(folder.resolve("model"));
        new TinyModel(32, 2, 2).write(model, RandomSource.XO_SHI_RO_256_PP.create(1L));
        prompts =
                Files.writeString(
                        folder.resolve("prompts.jsonl"),
                        "{\"prompt\": \"Sort: 2 1\", \"answer\": \"1 2\"}\n".repeat(8));
    }

    private static List<String> pieces(String page) throws IOException {
        List<String> pieces = new ArrayList<>();
        Matcher code = CODE.matcher(Files.readString(ROOT.resolve(page)));
        while (code.find()) {
            pieces.add(code.group(1));
        }
        return pieces;
    }

    @Test
    void grpoWithRewardsAsObjectsIsShownAndRuns() throws IOException {
        String program =
                Files.readString(
                        ROOT.resolve("examples/src/main/java/org/attune/examples/GrpoInJava.java"));
        Matcher marked =
                Pattern.compile("// docs: grpo\n(.*?) *// end", Pattern.DOTALL).matcher(program);
        assertTrue(marked.find());
        String shown = marked.group(1).stripTrailing().stripIndent();
        assertTrue(pieces("docs/rewards.md").contains(shown), "docs/rewards.md shows other code");
        Path out = folder.resolve("grpo");
        RunSummary summary = GrpoInJava.train(model.toString(), prompts.toString(), out, 1);
        assertEquals(1, summary.steps());
        assertTrue(Files.exists(out.resolve("adapter_model.safetensors")));
    }

    private static PpoConfig ppo(String name) {
        return PpoConfig.defaults()
                .withModel(ModelConfig.of(model.toString()))
                .withLora(LoraSettings.allLinear(4, 8))
                .withData(DataConfig.of(prompts.toString()))
                .withMaxCompletionLength(4)
                .withTraining(
                        t ->
                                t.withSave(
                                        SaveConfig.to(folder.resolve(name))
                                                .withSaveStrategy(SaveStrategy.NO)))
                .withTraining(t -> t.withBatch(b -> b.withPerDeviceTrainBatchSize(4)))
                .withTraining(t -> t.withSchedule(s -> s.withMaxSteps(1)));
    }

    @Test
    void ppoTakesRewardsAsObjects() {
        RewardFunction length =
                batch ->
                        batch.completions().stream()
                                .map(c -> OptionalDouble.of(c.text().length()))
                                .toList();
        List<WeightedReward> rewards =
                List.of(WeightedReward.of(length), new WeightedReward(length, 0.5));
        assertEquals(1, Runs.with().ppo(ppo("ppo"), rewards).steps());
    }

    @Test
    void aRunWhoseCallerIsInterruptedWritesItsReport() {
        Thread caller = Thread.currentThread();
        RewardFunction stopping =
                batch -> {
                    caller.interrupt();
                    return Collections.nCopies(batch.size(), OptionalDouble.of(1));
                };
        RunSummary summary = Runs.with().ppo(ppo("stopped"), List.of(WeightedReward.of(stopping)));
        assertTrue(Thread.interrupted(), "the caller hears of it");
        assertTrue(summary.interrupted());
        assertTrue(Files.exists(folder.resolve("stopped/report.html")));
    }

    @Test
    void ppoTakesAJudgeInPlaceOfRewards() {
        CompletionScorer judge =
                batch -> {
                    double[][] values = new double[batch.size()][1];
                    values[0][0] = 1;
                    return RewardTable.of(List.of("first"), new double[] {1}, values);
                };
        assertEquals(1, Runs.with().ppo(ppo("judged"), judge).steps());
        PpoConfig two = ppo("two").withRewardModelPath(folder.resolve("x").toString());
        var error = assertThrows(ConfigException.class, () -> Runs.with().ppo(two, judge));
        assertTrue(error.getMessage().startsWith("reward_model_path is "), error.getMessage());
    }

    @Test
    void theRewardOfThePageJudges() throws IOException {
        String polite =
                pieces("docs/rewards.md").stream()
                        .filter(code -> code.contains("class Polite"))
                        .findFirst()
                        .orElseThrow();
        Path file = Files.writeString(folder.resolve("Polite.java"), polite);
        var batch =
                new RewardBatch(
                        Collections.nCopies(2, new Prompt("p", List.of())),
                        List.of(
                                new Completion("please", new int[0], List.of()),
                                new Completion("no", new int[0], List.of())),
                        Map.of());
        assertEquals(
                List.of(OptionalDouble.of(1), OptionalDouble.of(0)),
                JavaRewards.fromFile(file).score(batch));
    }

    /// [org.attune.examples.agents.AgentsPageTest] runs its classes.
    @Test
    void codeOfAgentsCompiles() throws IOException {
        for (String code : pieces("docs/agents.md")) {
            if (!code.contains("public class ")) {
                compile(code);
            }
        }
    }

    /// What the code declares itself isn't declared around it.
    private static String declared(String code) {
        return Arrays.stream(DECLARED.split(",\\s+"))
                .filter(
                        each -> {
                            String name = each.replaceAll(".* ", "");
                            return !code.matches("(?s).*\\w " + name + " = .*")
                                    && !code.contains(name + ") ->");
                        })
                .collect(Collectors.joining(", "));
    }

    private static void compile(String code) {
        boolean method = code.strip().startsWith("@Override");
        String unit =
                AROUND
                        + (method
                                ? "abstract class Shown implements Environment {\n"
                                        + "boolean isWon(String move) { return false; }\n"
                                        + code
                                        + "}"
                                : "class Shown { void run("
                                        + declared(code)
                                        + ") throws Exception {\n"
                                        + code
                                        + "\n}}");
        var messages = new StringWriter();
        CompilationTask task =
                ToolProvider.getSystemJavaCompiler()
                        .getTask(
                                messages,
                                null,
                                null,
                                List.of("-proc:none", "-d", folder.toString()),
                                null,
                                List.of(new Text(unit)));
        assertTrue(task.call(), () -> messages + "\n" + code);
    }

    private static final class Text extends SimpleJavaFileObject {
        private final String text;

        Text(String text) {
            super(URI.create("string:///Shown.java"), JavaFileObject.Kind.SOURCE);
            this.text = text;
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }
    }
}
