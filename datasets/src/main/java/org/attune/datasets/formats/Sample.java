package org.attune.datasets.formats;

import org.attune.datasets.rows.Row;

import java.util.List;

/// A checked row of one of TRL's dataset types. All parts of a sample are of one form: all texts
/// or all turns.
public sealed interface Sample {
    /// The row, with all of its columns (reward functions see them).
    Row row();

    /// Tools and template variables.
    TemplateOptions options();

    DatasetType type();

    /// A whole text or conversation.
    record LanguageModeling(Content content, TemplateOptions options, Row row) implements Sample {
        @Override
        public DatasetType type() {
            return DatasetType.LANGUAGE_MODELING;
        }
    }

    /// A prompt and what follows it.
    record PromptCompletion(Content prompt, Content completion, TemplateOptions options, Row row)
            implements Sample {
        @Override
        public DatasetType type() {
            return DatasetType.PROMPT_COMPLETION;
        }
    }

    /// Two continuations of a prompt, the first one better.
    record Preference(
            Content prompt, Content chosen, Content rejected, TemplateOptions options, Row row)
            implements Sample {
        @Override
        public DatasetType type() {
            return DatasetType.PREFERENCE;
        }

        /// Makes one side of the pair a labelled completion.
        ///
        /// @param label true for the chosen side, false for the rejected one
        public UnpairedPreference unpaired(boolean label) {
            return new UnpairedPreference(prompt, label ? chosen : rejected, label, options, row);
        }
    }

    /// Two continuations of a prompt, the first one better, and a third that is imitated.
    record Triple(Preference pair, Content reference) implements Sample {
        @Override
        public Row row() {
            return pair.row();
        }

        @Override
        public TemplateOptions options() {
            return pair.options();
        }

        @Override
        public DatasetType type() {
            return DatasetType.TRIPLE_PREFERENCE;
        }
    }

    /// A continuation that is good (`label` true) or not.
    record UnpairedPreference(
            Content prompt, Content completion, boolean label, TemplateOptions options, Row row)
            implements Sample {
        @Override
        public DatasetType type() {
            return DatasetType.UNPAIRED_PREFERENCE;
        }
    }

    /// A prompt with the steps of a solution, each right or wrong.
    ///
    /// @param completions the steps; at least one
    /// @param labels one for each
    record Stepwise(
            Content prompt,
            List<String> completions,
            List<Boolean> labels,
            TemplateOptions options,
            Row row)
            implements Sample {
        public Stepwise {
            completions = List.copyOf(completions);
            labels = List.copyOf(labels);
        }

        @Override
        public DatasetType type() {
            return DatasetType.STEPWISE_SUPERVISION;
        }
    }

    /// Sequences with labels, for a head that classifies, ranks or embeds.
    ///
    /// @param sequences each of one part, of a pair's two, or of a sentence's words
    /// @param labels as the row has them, which the method reads: texts, numbers, booleans, lists
    record Labelled(
            DatasetType type,
            List<List<Content>> sequences,
            List<Object> labels,
            TemplateOptions options,
            Row row)
            implements Sample {
        public Labelled {
            sequences = List.copyOf(sequences);
            labels = List.copyOf(labels);
        }
    }

    /// A prompt to be completed in training.
    record PromptOnly(Content prompt, TemplateOptions options, Row row) implements Sample {
        @Override
        public DatasetType type() {
            return DatasetType.PROMPT_ONLY;
        }
    }
}
