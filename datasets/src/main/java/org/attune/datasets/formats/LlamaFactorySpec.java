package org.attune.datasets.formats;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/// How to read one data set of LLaMA-Factory's `dataset_info.json`.
///
/// @param name       its key
/// @param location   file or folder, relative to the `dataset_info.json`, or a hub name
/// @param onHub      whether `location` is a hub name
/// @param formatting layout of the rows
/// @param ranking    whether rows are preference pairs
/// @param columns    LLaMA-Factory's column names (`prompt`, `query`, `response`, `history`,
///     `messages`, `system`, `tools`, `chosen`, `rejected`, `kto_tag`) → the file's; absent = off
/// @param tags       key and role names (`role_tag`, `content_tag`, `user_tag`, `assistant_tag`,
///     `observation_tag`, `function_tag`, `system_tag`) → the file's; absent = none
/// @param samples    how many rows to use, drawn from all; more than there are repeats some
/// @param part       which part of the location's files
public record LlamaFactorySpec(
        String name,
        String location,
        boolean onHub,
        Formatting formatting,
        boolean ranking,
        Map<String, String> columns,
        Map<String, String> tags,
        OptionalLong samples,
        Part part) {

    /// What an entry says of its files.
    ///
    /// @param folder in the location, to which it is limited
    /// @param subset a configuration of the location's card, a folder in it, or what its files'
    ///     names begin with
    /// @param split  in the notation of Hugging Face `datasets`
    public record Part(Optional<String> folder, Optional<String> subset, Optional<String> split) {
        /// The split `train` of all files.
        public static final Part ALL =
                new Part(Optional.empty(), Optional.empty(), Optional.empty());
    }

    static final List<String> COLUMNS =
            List.of(
                    "prompt",
                    "query",
                    "response",
                    "history",
                    "messages",
                    "system",
                    "tools",
                    "chosen",
                    "rejected",
                    "kto_tag",
                    "images");
    static final List<String> TAGS =
            List.of(
                    "role_tag",
                    "content_tag",
                    "user_tag",
                    "assistant_tag",
                    "observation_tag",
                    "function_tag",
                    "system_tag");

    static final Map<String, String> ALPACA_COLUMNS =
            Map.of("prompt", "instruction", "query", "input", "response", "output");
    static final Map<String, String> SHAREGPT_COLUMNS = Map.of("messages", "conversations");
    static final Map<String, String> SHAREGPT_TAGS =
            Map.of(
                    "role_tag", "from",
                    "content_tag", "value",
                    "user_tag", "human",
                    "assistant_tag", "gpt",
                    "observation_tag", "observation",
                    "function_tag", "function_call",
                    "system_tag", "system");

    /// Layout of the rows.
    public enum Formatting {
        /// `instruction`, `input`, `output`.
        ALPACA,
        /// A list of turns with roles.
        SHAREGPT,
        /// Messages as OpenAI writes them, with tool calls.
        OPENAI
    }

    public LlamaFactorySpec {
        columns = Map.copyOf(columns);
        tags = Map.copyOf(tags);
    }

    /// The spec of a file that has Alpaca's or ShareGPT's columns and no `dataset_info.json`.
    /// Optional columns (`input`, `system`, `history`, `tools`) count even where the first row
    /// lacks them.
    ///
    /// @param present the first row's columns
    public static LlamaFactorySpec plain(Formatting formatting, Collection<String> present) {
        boolean alpaca = formatting == Formatting.ALPACA;
        return plain(
                alpaca ? "alpaca" : "sharegpt",
                formatting,
                alpaca ? ALPACA_COLUMNS : SHAREGPT_COLUMNS,
                present);
    }

    /// The entry of a file whose columns have other names than LLaMA-Factory's.
    ///
    /// @param named LLaMA-Factory's name of a column → the file's
    static LlamaFactorySpec plain(
            String name,
            Formatting formatting,
            Map<String, String> named,
            Collection<String> present) {
        var columns = new LinkedHashMap<>(named);
        (formatting == Formatting.ALPACA
                        ? List.of("system", "history", "tools")
                        : List.of("system", "tools"))
                .forEach(column -> columns.putIfAbsent(column, column));
        boolean ranking = present.containsAll(List.of("chosen", "rejected"));
        if (ranking) {
            columns.remove("response");
            columns.put("chosen", "chosen");
            columns.put("rejected", "rejected");
        }
        if (present.contains("kto_tag")) {
            columns.put("kto_tag", "kto_tag");
        }
        return new LlamaFactorySpec(
                name,
                "",
                false,
                formatting,
                ranking,
                columns,
                SHAREGPT_TAGS,
                OptionalLong.empty(),
                Part.ALL);
    }

    /// The dataset type that rows become.
    public DatasetType type() {
        if (isPlainText()) {
            return DatasetType.LANGUAGE_MODELING;
        }
        if (ranking) {
            return DatasetType.PREFERENCE;
        }
        if (columns.containsKey("kto_tag")) {
            return DatasetType.UNPAIRED_PREFERENCE;
        }
        return formatting == Formatting.ALPACA
                ? DatasetType.PROMPT_COMPLETION
                : DatasetType.LANGUAGE_MODELING;
    }

    /// Whether rows hold a text and nothing to answer: LLaMA-Factory's way to say pre-training.
    boolean isPlainText() {
        return formatting == Formatting.ALPACA
                && !ranking
                && !columns.containsKey("response")
                && !columns.containsKey("kto_tag");
    }
}
