package org.attune.datasets;

import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.LlamaFactoryFormat;
import org.attune.datasets.formats.LlamaFactorySpec;
import org.attune.datasets.formats.LlamaFactorySpec.Formatting;
import org.attune.datasets.formats.QuestionColumns;
import org.attune.datasets.formats.RowInterpreter;
import org.attune.datasets.formats.SampleReader;
import org.attune.datasets.formats.TranscriptFormat;
import org.attune.datasets.formats.TypedMessages;
import org.attune.datasets.rows.Row;
import org.attune.error.DatasetException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// Decides how the rows of a source are read: by its `dataset_info.json`, by `type`, or by the
/// columns of its first row.
public final class InterpreterChoice {
    private static final Logger LOG = LoggerFactory.getLogger(InterpreterChoice.class);
    private static final String IMAGES = "images";

    private final DatasetSource source;
    private final Optional<LlamaFactorySpec> spec;
    private final Set<DatasetType> accepted;
    private final boolean sees;

    /// A choice for models that see no pictures.
    ///
    /// @param spec     what a `dataset_info.json` says about the source, if it does
    /// @param accepted dataset types that the trainer can use
    public InterpreterChoice(
            DatasetSource source, Optional<LlamaFactorySpec> spec, Set<DatasetType> accepted) {
        this(source, spec, accepted, false);
    }

    /// @param spec     what a `dataset_info.json` says about the source, if it does
    /// @param accepted dataset types that the trainer can use
    /// @param sees     whether pictures of rows belong to them
    InterpreterChoice(
            DatasetSource source,
            Optional<LlamaFactorySpec> spec,
            Set<DatasetType> accepted,
            boolean sees) {
        this.sees = sees;
        this.source = source;
        this.spec = spec;
        this.accepted = accepted;
    }

    /// Checks the columns of a file that states them once. So a missing one is a fault of the file,
    /// not of its first row. What depends on values is left to [#of].
    void check(String where, List<String> header) {
        List<String> columns =
                header.stream().map(c -> source.columns().getOrDefault(c, c)).toList();
        Optional<DatasetType> type = source.type().flatMap(DatasetType::named);
        if (spec.isPresent() || type.isEmpty()) {
            return;
        }
        if (type.get().match(columns).isEmpty() && !columns.contains("conversations")) {
            List<String> wanted = nearestSet(type.get(), columns);
            String absent =
                    wanted.stream().filter(c -> !columns.contains(c)).findFirst().orElseThrow();
            boolean none = wanted.stream().noneMatch(columns::contains);
            throw new DatasetException(
                    "%s: %s%s"
                            .formatted(
                                    where,
                                    SampleReader.missing(absent, columns),
                                    none ? " (does the file begin with a header line?)" : ""));
        }
    }

    private static List<String> nearestSet(DatasetType type, Collection<String> columns) {
        return type.columnSets().stream()
                .max(
                        Comparator.comparingLong(
                                set -> set.stream().filter(columns::contains).count()))
                .orElseThrow();
    }

    /// The way to read the source, from its first row.
    ///
    /// @throws DatasetException if the columns fit nothing that the trainer accepts
    public RowInterpreter of(Row firstAsRead) {
        RowInterpreter chosen = chosen(firstAsRead);
        return sees ? chosen.seeing(spec.map(s -> s.columns().get(IMAGES))) : chosen;
    }

    private RowInterpreter chosen(Row firstAsRead) {
        Row first = RowInterpreter.renamed(firstAsRead, source.columns());
        if (spec.isPresent()) {
            return foreign(spec.get(), "dataset_info.json: " + spec.get().name());
        }
        if (source.type().isPresent()) {
            return named(source.type().get(), first);
        }
        Set<String> columns = first.columns().keySet();
        if (isShareGpt(first)) {
            return foreign(LlamaFactorySpec.plain(Formatting.SHAREGPT, columns), "ShareGPT");
        }
        if (TypedMessages.fits(columns)) {
            RowInterpreter.requireAccepted(DatasetType.PREFERENCE, accepted, source.toString());
            return new RowInterpreter(
                    source.columns(),
                    Optional.of(TypedMessages::convert),
                    new SampleReader(DatasetType.PREFERENCE, false),
                    "typed messages as preference",
                    TypedMessages.columns(),
                    false);
        }
        boolean conversations = columns.contains("conversations");
        if (!conversations && QuestionColumns.areAlpaca(columns)) {
            return questions(LlamaFactorySpec.plain(Formatting.ALPACA, columns), "Alpaca");
        }
        return byColumns(first, conversations ? chatml(columns) : columns);
    }

    private static List<String> chatml(Set<String> columns) {
        return columns.stream().map(c -> c.equals("conversations") ? "messages" : c).toList();
    }

    /// TRL's types, and questions with answers under the names that public data sets use.
    private RowInterpreter byColumns(Row first, Collection<String> columns) {
        String where = first.origin().where();
        Optional<DatasetType> type = DatasetType.of(columns, accepted);
        // chosen and rejected alone would hold their prompt themselves
        boolean bare =
                type.equals(Optional.of(DatasetType.PREFERENCE)) && !columns.contains("prompt");
        if (bare && TranscriptFormat.looksSo(first.get("chosen"))) {
            throw new DatasetException(
                    "%s: columns chosen and rejected are transcripts, with a speaker's name before each turn; read as plain text, the prompt would end inside the answers. Say type: transcript (datasets: [{path: %s, type: transcript}]), which makes messages of them"
                            .formatted(where, source.path()));
        }
        for (String column : List.of("prompt", "text")) {
            if (columns.contains(column) && TranscriptFormat.looksSo(first.get(column))) {
                LOG.warn(
                        "{}: column {} is a transcript, with a speaker's name before each turn, and"
                            + " is read as plain text; type: transcript makes messages of it, for"
                            + " the chat template",
                        where,
                        column);
            }
        }
        if (type.isPresent() && !(bare && first.get("chosen") instanceof String)) {
            return trl(type.get(), false, columns);
        }
        if (asksOnly()) {
            Optional<LlamaFactorySpec> asked = QuestionColumns.asked(where, columns);
            if (asked.isPresent()) {
                return questions(asked.get(), "questions: " + asked.get().name());
            }
        }
        boolean labelled =
                first.get("label") instanceof Boolean
                        && accepted.contains(DatasetType.UNPAIRED_PREFERENCE);
        Optional<LlamaFactorySpec> answered =
                QuestionColumns.answered(where, columns, labelled)
                        .filter(spec -> accepted.contains(spec.type()));
        if (answered.isPresent()) {
            return questions(answered.get(), "questions with answers: " + answered.get().name());
        }
        return trl(DatasetType.detect(where, columns, accepted), false, columns);
    }

    private RowInterpreter named(String type, Row first) {
        Set<String> columns = first.columns().keySet();
        Optional<DatasetType> trl = DatasetType.named(type);
        if (trl.isPresent()) {
            // TRL renames ShareGPT's keys and keeps its role names; asked for by name, so do we.
            boolean conversations = columns.contains("conversations");
            return trl(trl.get(), conversations, conversations ? chatml(columns) : columns);
        }
        return switch (type) {
            case "transcript" -> transcripts(first);
            case "alpaca" ->
                    questions(LlamaFactorySpec.plain(Formatting.ALPACA, columns), "Alpaca");
            case "sharegpt" ->
                    foreign(LlamaFactorySpec.plain(Formatting.SHAREGPT, columns), "ShareGPT");
            default ->
                    throw new DatasetException(
                            "%s: type %s is unknown; accepted are %s, alpaca, sharegpt, transcript"
                                    .formatted(
                                            source,
                                            type,
                                            String.join(
                                                    ", ",
                                                    Arrays.stream(DatasetType.values())
                                                            .map(DatasetType::key)
                                                            .toList())));
        };
    }

    private RowInterpreter transcripts(Row first) {
        Set<String> given = first.columns().keySet();
        DatasetType type =
                DatasetType.detect(
                        first.origin().where(), TranscriptFormat.columns(given), accepted);
        RowInterpreter plain = trl(type, false, TranscriptFormat.columns(given));
        Set<String> used = new HashSet<>(plain.used());
        used.add("text");
        return new RowInterpreter(
                source.columns(),
                Optional.of(TranscriptFormat::convert),
                plain.reader(),
                "transcripts as " + plain.format(),
                used,
                false);
    }

    private RowInterpreter trl(DatasetType type, boolean anyRole, Collection<String> columns) {
        RowInterpreter.requireAccepted(type, accepted, source.toString());
        Set<String> used = new HashSet<>(type.match(columns).orElse(List.of()));
        used.addAll(List.of("tools", "chat_template_kwargs"));
        if (type == DatasetType.PREFERENCE) {
            used.add("margin"); // of reward models
        }
        if (type == DatasetType.EMBEDDING || type == DatasetType.RANKING) {
            columns.stream().filter(c -> c.startsWith("negative")).forEach(used::add);
        }
        if (used.contains("messages")) {
            used.add("conversations");
        }
        return new RowInterpreter(
                source.columns(),
                Optional.empty(),
                new SampleReader(type, anyRole),
                type.key() + (anyRole ? ", roles as in the file" : ""),
                used,
                false);
    }

    /// Whether the trainer writes the answers itself.
    private boolean asksOnly() {
        return accepted.contains(DatasetType.PROMPT_ONLY)
                && !accepted.contains(DatasetType.LANGUAGE_MODELING);
    }

    /// Questions whose answers are learnt, or only asked by a trainer that generates.
    private RowInterpreter questions(LlamaFactorySpec format, String words) {
        if (!asksOnly()) {
            return foreign(format, words);
        }
        return new RowInterpreter(
                source.columns(),
                Optional.of(new LlamaFactoryFormat(format)::prompt),
                new SampleReader(DatasetType.PROMPT_ONLY, false),
                words + " as " + DatasetType.PROMPT_ONLY.key(),
                Set.copyOf(format.columns().values()),
                false);
    }

    private RowInterpreter foreign(LlamaFactorySpec format, String words) {
        DatasetType type = format.type();
        RowInterpreter.requireAccepted(type, accepted, source + " (" + words + ")");
        return new RowInterpreter(
                source.columns(),
                Optional.of(new LlamaFactoryFormat(format)::convert),
                new SampleReader(type, false),
                "%s (%s) as %s"
                        .formatted(
                                words,
                                format.formatting().name().toLowerCase(Locale.ROOT),
                                type.key()),
                texts(format),
                spec.isPresent());
    }

    /// The columns of texts: without pictures, which only some models see.
    private static Set<String> texts(LlamaFactorySpec format) {
        return format.columns().entrySet().stream()
                .filter(column -> !column.getKey().equals(IMAGES))
                .map(Map.Entry::getValue)
                .collect(Collectors.toUnmodifiableSet());
    }

    private static boolean isShareGpt(Row row) {
        return row.get("conversations") instanceof List<?> turns
                && !turns.isEmpty()
                && turns.getFirst() instanceof Map<?, ?> turn
                && turn.containsKey("from");
    }
}
