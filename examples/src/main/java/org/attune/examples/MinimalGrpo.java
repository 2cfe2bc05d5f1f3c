package org.attune.examples;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.models.LoadedModel;
import org.attune.models.ModelConfig;
import org.attune.optim.AdamW;
import org.attune.optim.FlatOptimizer;
import org.attune.optim.ParameterGroups;
import org.attune.policy.Evaluation;
import org.attune.policy.HeadRequest;
import org.attune.policy.Policy;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.generation.Generator;
import org.attune.rollout.generation.SequenceListener;
import org.attune.rollout.generation.TextCompleter;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.text.ChatTokenizer;
import org.attune.trainers.layout.CompletionForest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/// The whole of GRPO ([Shao et al. 2024](https://arxiv.org/abs/2402.03300)) in one loop on policy
/// and generator: complete each prompt several times, reward the completions, make those likelier
/// that are better than their group. Runs of the product add everything around it.
public final class MinimalGrpo {
    private static final double LEARNING_RATE = 2e-3;
    private static final int PROMPTS_OF_A_STEP = 8;
    private static final int GROUP = 8;
    private static final int MAX_NEW_TOKENS = 12;

    private MinimalGrpo() {}

    /// Trains an adapter and prints each step's mean reward: 1 for the row's `answer`, else 0.
    ///
    /// @param args model folder or GGUF file, rows of prompt and answer, output folder, steps
    public static void main(String[] args) throws IOException {
        List<String> lines = Files.readAllLines(Path.of(args[1]));
        try (LoadedModel model = LoadedModel.open(ModelConfig.of(args[0]))) {
            ChatTokenizer chat = model.setup().text().chat();
            List<Task> tasks = lines.stream().map(line -> Task.read(line, chat)).toList();
            int steps = Integer.parseInt(args[3]);
            Engine.run(() -> train(model, tasks, steps, Path.of(args[2])));
        }
    }

    private static void train(LoadedModel model, List<Task> tasks, int steps, Path out) {
        var lora = LoraConfig.of(8, 16, 0, ModuleSelection.of("all-linear"));
        var random = RandomSource.XO_SHI_RO_256_PP.create(1L);
        var options = Policy.Options.defaults();
        try (Policy policy = Policy.withFreshAdapter(model.decoder(), lora, random, options);
                var adamW =
                        new FlatOptimizer(
                                policy.parameters(), AdamW.defaults(), ParameterGroups.of(0))) {
            for (int step = 0; step < steps; step++) {
                int from = step * PROMPTS_OF_A_STEP % (tasks.size() - PROMPTS_OF_A_STEP + 1);
                adamW.zeroGradients();
                double reward =
                        learn(model, policy, tasks.subList(from, from + PROMPTS_OF_A_STEP), step);
                adamW.step(LEARNING_RATE, 1);
                System.out.printf("step %d: mean reward %.3f%n", step + 1, reward);
            }
            policy.saveAdapter(out, model.setup().source().path().toString());
        }
    }

    /// Completes each task in a group and adds the gradient of -Σ A log p / tokens, where A is a
    /// completion's reward minus its group's mean, divided by its group's deviation.
    private static double learn(LoadedModel model, Policy policy, List<Task> tasks, long step) {
        var text = model.setup().text().tokenizer();
        var stops = TextCompleter.stopIds(model.setup().source(), text);
        var plain = SamplingConfig.Distribution.plain();
        List<int[]> prompts = new ArrayList<>();
        tasks.forEach(task -> prompts.addAll(Collections.nCopies(GROUP, task.prompt())));
        List<SampledCompletion> completions =
                Generator.of(model.decoder(), policy.adapterInUse(), text)
                        .generate(
                                prompts,
                                SamplingConfig.of(plain, MAX_NEW_TOKENS, stops, step),
                                SequenceListener.NONE);
        double[] rewards = new double[completions.size()];
        List<CompletionForest.Row> rows = new ArrayList<>();
        for (int i = 0; i < rewards.length; i++) {
            int[] ids = completions.get(i).ids();
            String answer = text.decode(ids, true).strip();
            rewards[i] = answer.equals(tasks.get(i / GROUP).answer()) ? 1 : 0;
            rows.add(new CompletionForest.Row(prompts.get(i), ids));
        }
        CompletionForest forest = CompletionForest.of(rows, true); // a group's prompt once
        try (var _ = TensorScope.open("step");
                Evaluation e = policy.evaluate(forest.forest(), HeadRequest.of())) {
            float[] slopes = new float[forest.forest().targetCount()]; // dLoss / dlogProb, (M)
            for (int i = 0; i < rewards.length; i++) {
                var range = forest.completions().get(i);
                double slope = -advantage(rewards, i) / slopes.length;
                Arrays.fill(slopes, range.start(), range.end(), (float) slope);
            }
            e.backward(slopes);
        }
        return Arrays.stream(rewards).average().orElseThrow();
    }

    private static double advantage(double[] rewards, int completion) {
        int first = completion / GROUP * GROUP;
        double[] group = Arrays.copyOfRange(rewards, first, first + GROUP);
        double mean = Arrays.stream(group).average().orElseThrow();
        double variance = Arrays.stream(group).map(r -> (r - mean) * (r - mean)).sum() / GROUP;
        return (rewards[completion] - mean) / (Math.sqrt(variance) + 1e-4);
    }

    /// A prompt's token ids, and the text that is right.
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    private record Task(int[] prompt, String answer) {
        static Task read(String line, ChatTokenizer chat) {
            var row = Rows.json(line);
            return new Task(Rows.prompt(row, chat), row.required("answer").asText());
        }
    }
}
