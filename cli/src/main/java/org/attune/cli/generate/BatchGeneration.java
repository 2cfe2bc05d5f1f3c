package org.attune.cli.generate;

import org.attune.cli.progress.CountedProgress;
import org.attune.datasets.rows.Row;
import org.attune.error.ConfigException;
import org.attune.files.ContinuedFile;
import org.attune.json.Json;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.generation.SequenceListener;
import org.attune.rollout.generation.TextCompleter;
import org.attune.rollout.generation.Ticket;
import org.attune.rollout.sampling.SamplingConfig;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/// Completes the prompts of a file and writes a line for each, in their order. Works in blocks of
/// prompts, each with its own draws; a block that was interrupted is generated again as a whole,
/// so that its lines come out the same to the last digit.
///
/// @param completer borrowed
/// @param sampling of the whole file
/// @param generations completions of a prompt, ≥ 1
/// @param withLogProbs whether tokens and their log-probabilities are written
record BatchGeneration(
        TextCompleter completer, SamplingConfig sampling, int generations, boolean withLogProbs) {
    /// Completions of a block: so many that the few slots that stand empty at its end don't count.
    static final int BLOCK = 256;

    /// Writes the lines that `out` doesn't have yet. On the engine thread.
    void run(PromptFile prompts, ContinuedFile out, CountedProgress progress) {
        prompts.rows().forEach(this::requireFreeColumns);
        int size = Math.max(1, BLOCK / generations);
        progress.start(out.lines(), prompts.rows().size());
        for (int block = out.lines() / size; block * size < prompts.rows().size(); block++) {
            int from = block * size;
            int to = Math.min(prompts.rows().size(), from + size);
            List<int[]> repeated = new ArrayList<>();
            for (int[] prompt : prompts.prompts().subList(from, to)) {
                for (int g = 0; g < generations; g++) {
                    repeated.add(prompt);
                }
            }
            var lines = new Lines(prompts, from, to, out, progress);
            completer.generator().generate(repeated, sampling.ofBatch(block), lines);
        }
        progress.end();
    }

    private void requireFreeColumns(Row row) {
        for (String name : List.of("prompt_tokens", "completion_ids", "logprobs")) {
            requireFree(row, name);
        }
        for (String name : List.of("completion", "finish_reason")) {
            requireFree(row, generations == 1 ? name : name + "s");
        }
        requireFree(row, "completion_tokens");
    }

    private static void requireFree(Row row, String name) {
        if (row.columns().containsKey(name)) {
            throw new ConfigException(
                    "%s: the row has a column \"%s\", which is written here; give it another name"
                            .formatted(row.origin().where(), name));
        }
    }

    /// The lines of one block, each written as soon as it and those before it are complete.
    private final class Lines implements SequenceListener {
        private final PromptFile prompts;
        private final int from;
        private final SampledCompletion[] completions;
        private final ContinuedFile out;
        private final CountedProgress progress;
        private int next;

        Lines(PromptFile prompts, int from, int to, ContinuedFile out, CountedProgress p) {
            this.prompts = prompts;
            this.from = from;
            this.out = out;
            progress = p;
            completions = new SampledCompletion[(to - from) * generations];
        }

        @Override
        public Next sampled(Ticket ticket, int id, float logProb) {
            progress.token();
            return Next.GO_ON;
        }

        @Override
        public void ended(Ticket ticket, SampledCompletion completion) {
            completions[ticket.index()] = completion;
            while (next < completions.length / generations && isComplete(next)) {
                if (from + next >= out.lines()) { // else it was written before
                    out.append(line(next));
                    progress.completed();
                }
                next++;
            }
        }

        private boolean isComplete(int prompt) {
            for (SampledCompletion completion : of(prompt)) {
                if (completion == null) {
                    return false;
                }
            }
            return true;
        }

        private List<SampledCompletion> of(int prompt) {
            return Arrays.asList(completions)
                    .subList(prompt * generations, (prompt + 1) * generations);
        }

        private String line(int prompt) {
            List<SampledCompletion> own = of(prompt);
            Map<String, Object> line =
                    new LinkedHashMap<>(prompts.rows().get(from + prompt).columns());
            String plural = generations == 1 ? "" : "s";
            put(line, "completion" + plural, own, c -> completer.tokenizer().decode(c.ids(), true));
            put(line, "finish_reason" + plural, own, c -> c.reason().finishReason());
            line.put("prompt_tokens", prompts.prompts().get(from + prompt).length);
            put(line, "completion_tokens", own, c -> c.ids().length);
            if (withLogProbs) {
                put(line, "completion_ids", own, SampledCompletion::ids);
                put(line, "logprobs", own, SampledCompletion::logProbs);
            }
            return Json.compact(line);
        }

        private void put(
                Map<String, Object> line,
                String name,
                List<SampledCompletion> own,
                Function<SampledCompletion, Object> value) {
            line.put(
                    name,
                    generations == 1
                            ? value.apply(own.getFirst())
                            : own.stream().map(value).toList());
        }
    }
}
