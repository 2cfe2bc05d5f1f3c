package org.attune.bench;

import org.attune.error.ConfigException;
import org.attune.model.layer.Storage;
import org.attune.models.DtypeChoice;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The work of one repeat. All of it is written into the result.
///
/// @param task what is measured
/// @param model folder or GGUF file
/// @param data folder with `alpaca_en_demo.json` and `dpo_en_demo.json`; empty: random words
/// @param dtype of weights and products
/// @param quantization how frozen weights are kept; null, in results that are older, is `auto`
/// @param device `auto`, `cpu`, `cuda` or `cuda:N`; null, in results that are older, is `auto`
/// @param rank of a LoRA adapter on all linear layers, alpha twice as much; 0: none, so that
///     training changes all weights
/// @param full whether all weights are trained; the rank is 0 then
/// @param warmUp steps or calls before the measured ones
/// @param steps measured optimizer steps or calls
/// @param rows examples, pairs or prompts a step; sequences of a generation
/// @param length most tokens of a training row (`max_length`), and the length of random rows
/// @param prompt tokens of a prompt: of random rows, and in generation
/// @param completions of each prompt in GRPO
/// @param newTokens of each completion, none ending earlier
/// @param tokensAtOnce `tokens_per_micro_batch`; empty: as memory allows
/// @param profile whether operators are timed in the measured steps, which makes them slower
public record BenchSpec(
        BenchTask task,
        Path model,
        Optional<Path> data,
        DtypeChoice dtype,
        Storage quantization,
        String device,
        int rank,
        boolean full,
        int warmUp,
        int steps,
        int rows,
        int length,
        int prompt,
        int completions,
        int newTokens,
        Optional<Integer> tokensAtOnce,
        boolean profile) {
    /// The rank that means that all weights are trained, without an adapter.
    public static final int ALL_WEIGHTS = 0;

    /// @throws ConfigException naming everything that is out of range
    public BenchSpec {
        device = device == null ? "auto" : device;
        quantization = quantization == null ? Storage.AUTO : quantization;
        List<String> problems = new ArrayList<>();
        checkRank(problems, task, rank, full);
        atLeast(problems, "--warm-up", warmUp, 0);
        atLeast(problems, "--steps", steps, 1);
        atLeast(problems, task.trains() ? "--rows" : "--sequences", rows, 1);
        atLeast(problems, "--prompt", prompt, 1);
        atLeast(problems, "--new", newTokens, task == BenchTask.GENERATE ? 2 : 1);
        atLeast(problems, "--tokens-at-once", tokensAtOnce.orElse(1), 1);
        if (task == BenchTask.GRPO) {
            atLeast(problems, "--completions", completions, 2);
        }
        boolean randomRows = data.isEmpty() && (task == BenchTask.SFT || task == BenchTask.DPO);
        if (randomRows && length < prompt + 2) {
            problems.add(
                    "--length is %d; accepted: at least %d, since random rows have prompts of %d tokens (--prompt)"
                            .formatted(length, prompt + 2, prompt));
        }
        if (!problems.isEmpty()) {
            throw new ConfigException(String.join("\n  ", problems));
        }
    }

    private static void checkRank(List<String> problems, BenchTask task, int rank, boolean full) {
        if (full && !task.trains()) {
            problems.add("--full is for tasks that train: sft, dpo and grpo");
        } else if (full && rank != ALL_WEIGHTS) {
            problems.add("--full trains all weights, --rank an adapter; leave one of them out");
        } else if (task.trains() && !full && rank < 1) {
            problems.add(
                    "--rank is %d; accepted: at least 1, or --full in its place to train all weights"
                            .formatted(rank));
        } else {
            atLeast(problems, "--rank", rank, 0);
        }
    }

    private static void atLeast(List<String> problems, String option, int value, int least) {
        if (value < least) {
            problems.add("%s is %d; accepted: at least %d".formatted(option, value, least));
        }
    }

    /// Changes one size of the work.
    ///
    /// @param dimension as on the command line: `length`, `rows`, `rank`, `completions`,
    ///     `sequences`, `prompt`, `new`
    BenchSpec with(String dimension, int value) {
        boolean rowsVary = dimension.equals("rows") || dimension.equals("sequences");
        return new BenchSpec(
                task,
                model,
                data,
                dtype,
                quantization,
                device,
                dimension.equals("rank") ? value : rank,
                full,
                warmUp,
                steps,
                rowsVary ? value : rows,
                dimension.equals("length") ? value : length,
                dimension.equals("prompt") ? value : prompt,
                dimension.equals("completions") ? value : completions,
                dimension.equals("new") ? value : newTokens,
                tokensAtOnce,
                profile);
    }

    /// Changes the model.
    BenchSpec withModel(Path other) {
        return new BenchSpec(
                task,
                other,
                data,
                dtype,
                quantization,
                device,
                rank,
                full,
                warmUp,
                steps,
                rows,
                length,
                prompt,
                completions,
                newTokens,
                tokensAtOnce,
                profile);
    }
}
