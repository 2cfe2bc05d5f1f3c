package org.attune.cli.config;

import org.attune.trainers.opening.FirstRun.Suggestion;
import org.attune.trainers.run.Methods;
import org.attune.trainers.samples.SampleConfig;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The file of a first run of `attune sample`: the best of several completions.
public final class InitialSample {
    /// What keys mean here; the others mean what they do to GRPO.
    private static final Map<String, String> NOTES =
            Map.ofEntries(
                    Map.entry(
                            "output_file", "the rows that are kept; ends with .jsonl or .parquet"),
                    Map.entry(
                            "samples_file",
                            "all completions with their rewards, from which an interrupted run goes"
                                    + " on; unset: output_file with .samples.jsonl behind it"),
                    Map.entry(
                            "keep",
                            "all; best: of each prompt; above: those that reach reward_threshold;"
                                    + " pairs: of the best and the worst; labelled: good or bad by"
                                    + " reward_threshold"),
                    Map.entry(
                            "keep_per_prompt",
                            "rows of a prompt at most, the best first; unset: 1 with best and"
                                    + " pairs, else no limit"),
                    Map.entry(
                            "reward_threshold",
                            "reward that a completion must reach; needed with above and labelled"),
                    Map.entry("reward_margin", "by how much the rewards of a pair differ at least"),
                    Map.entry(
                            "row_form",
                            "prompt_completion, or messages: each row is one conversation"),
                    Map.entry(
                            "drop_truncated",
                            "leave out what was cut off at max_completion_length"),
                    Map.entry("drop_duplicates", "leave out repeated completions of a prompt"),
                    Map.entry(
                            "datasets",
                            "the prompts: one path, several, or a list of {path, type, name, split,"
                                    + " columns, sample_by}; required"),
                    Map.entry(
                            "top_logprobs",
                            "how many of the likeliest tokens of each place are written, for attune"
                                    + " gkd with teacher_logprobs_from_rows; 0: none"),
                    Map.entry("num_generations", "completions of each prompt"),
                    Map.entry("keep_columns", "columns of the prompts' rows to copy"));

    private InitialSample() {}

    /// @param values as for [InitialFile]
    /// @throws org.attune.error.ConfigException as [InitialFile] does
    public static InitialFile of(List<String> values) {
        SampleConfig defaults = SampleConfig.defaults();
        KeyTable table = KeyTable.load();
        List<Key> keys =
                RecordBinder.types(defaults).keySet().stream()
                        .map(name -> key(table, name))
                        .toList();
        return new InitialFile(
                "sample",
                "attune init sample --all",
                keys,
                KeyFacts.ofCommand(defaults),
                suggestions(),
                values);
    }

    private static Key key(KeyTable table, String name) {
        return Optional.ofNullable(NOTES.get(name))
                .map(note -> Key.own(name, note))
                .or(() -> Methods.named("grpo").flatMap(grpo -> table.find(grpo, name)))
                .orElseGet(() -> Key.own(name));
    }

    private static Map<String, List<Suggestion>> suggestions() {
        Map<String, List<Suggestion>> groups = new LinkedHashMap<>();
        groups.put(
                "---- Model and data ----",
                Suggestion.list("model_name_or_path", "", "datasets", ""));
        groups.put(
                "---- Data: rows with prompt, and the columns that rewards read ----",
                Suggestion.list("output_file", "out/samples.jsonl"));
        groups.put(
                "---- Rewards: exact_answer compares with the column answer. ----",
                Suggestion.list("reward_funcs", "exact_answer"));
        groups.put(
                "---- What is kept ----", Suggestion.list("keep", "best", "keep_per_prompt", "1"));
        groups.put(
                "---- Generation ----",
                Suggestion.list(
                        "num_generations",
                        "8",
                        "max_completion_length",
                        "256",
                        "temperature",
                        "1.0",
                        "seed",
                        "42"));
        return groups;
    }
}
