package org.attune.examples;

import com.fasterxml.jackson.databind.JsonNode;

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
import org.attune.policy.TokenForest;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.text.ChatTokenizer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// The whole of DPO ([Rafailov et al. 2023](https://arxiv.org/abs/2305.18290)) in one loop on the
/// policy alone. Runs of the product add batches, memory, checkpoints and reports around it.
public final class MinimalDpo {
    private static final double BETA = 0.1;
    private static final double LEARNING_RATE = 1e-3;
    private static final int PAIRS_OF_A_STEP = 8;

    private MinimalDpo() {}

    /// Trains an adapter and prints each step's loss.
    ///
    /// @param args model folder or GGUF file, pairs of prompt, chosen and rejected, output folder
    public static void main(String[] args) throws IOException {
        List<String> lines = Files.readAllLines(Path.of(args[1]));
        try (LoadedModel model = LoadedModel.open(ModelConfig.of(args[0]))) {
            ChatTokenizer chat = model.setup().text().chat();
            List<Pair> pairs = lines.stream().map(line -> Pair.read(line, chat)).toList();
            Engine.run(() -> train(model, pairs, Path.of(args[2]))); // tensors are of its thread
        }
    }

    private static void train(LoadedModel model, List<Pair> pairs, Path out) {
        var lora = LoraConfig.of(8, 16, 0, ModuleSelection.of("all-linear"));
        var random = RandomSource.XO_SHI_RO_256_PP.create(1L);
        var options = Policy.Options.defaults();
        try (Policy policy = Policy.withFreshAdapter(model.decoder(), lora, random, options);
                var adamW =
                        new FlatOptimizer(
                                policy.parameters(), AdamW.defaults(), ParameterGroups.of(0))) {
            for (int at = 0; at + PAIRS_OF_A_STEP <= pairs.size(); at += PAIRS_OF_A_STEP) {
                adamW.zeroGradients();
                double loss = 0;
                for (Pair pair : pairs.subList(at, at + PAIRS_OF_A_STEP)) {
                    loss += learn(policy, pair) / PAIRS_OF_A_STEP;
                }
                adamW.step(LEARNING_RATE, 1);
                System.out.printf("step %d: loss %.4f%n", at / PAIRS_OF_A_STEP + 1, loss);
            }
            policy.saveAdapter(out, model.setup().source().path().toString());
        }
    }

    /// Adds the gradient of a pair's loss -log σ(β Δ). Δ is the log-ratio of policy and reference
    /// of the chosen answer minus that of the rejected one.
    private static double learn(Policy policy, Pair pair) {
        TokenForest forest = pair.forest(); // both answers behind one prompt
        try (var _ = TensorScope.open("pair")) {
            float[] reference =
                    policy.adapterOff().measure(forest, HeadRequest.of()).tokenLogProbs();
            try (Evaluation e = policy.evaluate(forest, HeadRequest.of())) {
                float[] logProbs = e.measurement().tokenLogProbs(); // (M)
                double delta = 0;
                for (int t = 0; t < logProbs.length; t++) {
                    delta += pair.sign(t) * ((double) logProbs[t] - reference[t]);
                }
                float[] slopes = new float[logProbs.length]; // dLoss / dlogProb, (M)
                for (int t = 0; t < slopes.length; t++) {
                    double slope = -BETA * pair.sign(t) / (1 + Math.exp(BETA * delta));
                    slopes[t] = (float) (slope / PAIRS_OF_A_STEP);
                }
                e.backward(slopes);
                return Math.log1p(Math.exp(-BETA * delta));
            }
        }
    }

    /// Token ids of a prompt and its two answers.
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    private record Pair(int[] prompt, int[] chosen, int[] rejected) {
        static Pair read(String line, ChatTokenizer chat) {
            JsonNode row = Rows.json(line);
            int[] prompt = Rows.prompt(row, chat);
            return new Pair(
                    prompt,
                    Rows.answer(row, "chosen", prompt.length, chat),
                    Rows.answer(row, "rejected", prompt.length, chat));
        }

        TokenForest forest() {
            var forest = TokenForest.builder();
            int root = forest.root(prompt);
            for (int[] answer : List.of(chosen, rejected)) {
                int segment = forest.child(root, answer);
                for (int t = 0; t < answer.length; t++) {
                    forest.target(segment, t);
                }
            }
            return forest.build();
        }

        int sign(int target) {
            return target < chosen.length ? 1 : -1;
        }
    }
}
