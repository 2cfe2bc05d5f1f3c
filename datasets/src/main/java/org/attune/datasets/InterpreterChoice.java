package org.attune.datasets;

import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.LlamaFactoryFormat;
import org.attune.datasets.formats.LlamaFactorySpec;
import org.attune.datasets.formats.LlamaFactorySpec.Formatting;
import org.attune.datasets.formats.TypedMessages;
import org.attune.datasets.rows.Row;
import org.attune.error.DatasetException;

import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Decides how the rows of a source are read: by its `dataset_info.json`, by `type`, or by the
/// columns of its first row.
final class InterpreterChoice {
    private final DatasetSource source;
    private final Optional<LlamaFactorySpec> spec;
    private final Set<DatasetType> accepted;

    /// @param spec     what a `dataset_info.json` says about the source, if it does
    /// @param accepted dataset types that the trainer can use
    InterpreterChoice(
            DatasetSource source, Optional<LlamaFactorySpec> spec, Set<DatasetType> accepted) {
        this.source = source;
        this.spec = spec;
        this.accepted = accepted;
    }

    /// Checks the columns of a file that states them once, so that a missing one is a fault of
    /// the file, not of its first row. What depends on values is left to [#of].
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
    RowInterpreter of(Row firstAsRead) {
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
                    "typed messages as preference");
        }
        boolean conversations = columns.contains("conversations");
        if (!conversations && columns.contains("instruction")) {
            return foreign(LlamaFactorySpec.plain(Formatting.ALPACA, columns), "Alpaca");
        }
        Collection<String> chatml =
                conversations
                        ? columns.stream()
                                .map(c -> c.equals("conversations") ? "messages" : c)
                                .toList()
                        : columns;
        return trl(DatasetType.detect(first.origin().where(), chatml, accepted), false);
    }

    private RowInterpreter named(String type, Row first) {
        Set<String> columns = first.columns().keySet();
        Optional<DatasetType> trl = DatasetType.named(type);
        if (trl.isPresent()) {
            // TRL renames ShareGPT's keys and keeps its role names; asked for by name, so do we.
            return trl(trl.get(), columns.contains("conversations"));
        }
        return switch (type) {
            case "alpaca" -> foreign(LlamaFactorySpec.plain(Formatting.ALPACA, columns), "Alpaca");
            case "sharegpt" ->
                    foreign(LlamaFactorySpec.plain(Formatting.SHAREGPT, columns), "ShareGPT");
            default ->
                    throw new DatasetException(
                            "%s: type %s is unknown; accepted are %s, alpaca, sharegpt"
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

    private RowInterpreter trl(DatasetType type, boolean anyRole) {
        RowInterpreter.requireAccepted(type, accepted, source.toString());
        return new RowInterpreter(
                source.columns(),
                Optional.empty(),
                new SampleReader(type, anyRole),
                type.key() + (anyRole ? ", roles as in the file" : ""));
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
                                type.key()));
    }

    private static boolean isShareGpt(Row row) {
        return row.get("conversations") instanceof List<?> turns
                && !turns.isEmpty()
                && turns.getFirst() instanceof Map<?, ?> turn
                && turn.containsKey("from");
    }
}
