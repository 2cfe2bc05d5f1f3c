package org.attune.datasets.formats;

import org.attune.datasets.rows.Row;
import org.attune.error.DatasetException;

import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/// Makes samples of one source's rows: renames columns, brings foreign formats to TRL's columns,
/// checks.
///
/// @param renames the file's column → ours
/// @param foreign brings another tool's format to TRL's columns, if it is one
/// @param reader  checks and types the result
/// @param format  all of it in words, for logs
/// @param used    columns, renamed, that samples are made of
/// @param stated  whether the user listed the columns, so that others are off on purpose
public record RowInterpreter(
        Map<String, String> renames,
        Optional<UnaryOperator<Row>> foreign,
        SampleReader reader,
        String format,
        Set<String> used,
        boolean stated) {

    /// An interpreter that puts the pictures of rows into their messages, for models that see them.
    ///
    /// @param column that holds them beside `images` and `image`
    public RowInterpreter seeing(Optional<String> column) {
        var seen = new HashSet<>(used);
        seen.addAll(PictureColumns.NAMES);
        column.ifPresent(seen::add);
        return new RowInterpreter(renames, foreign, reader.seeing(), format, seen, stated);
    }

    /// The row with the names that `columns` gives.
    ///
    /// @throws DatasetException with the row's place, if a renamed column isn't there
    public Row named(Row row) {
        return renamed(row, renames);
    }

    /// The sample of a row.
    ///
    /// @param ours with the names that `columns` gives
    /// @throws DatasetException with the row's place
    public Sample read(Row ours) {
        return read(ours, Set.of());
    }

    /// The sample of a row some of whose columns are read beside the sample.
    ///
    /// @param kept columns that the sample's row has too, whatever its format
    public Sample read(Row ours, Set<String> kept) {
        return reader.read(foreign.map(f -> with(f.apply(ours), ours, kept)).orElse(ours));
    }

    private Row with(Row converted, Row ours, Set<String> kept) {
        var beside = new HashSet<>(kept);
        if (converted.get("images") == null) { // else they were read under a name of the user's
            PictureColumns.NAMES.stream().filter(used::contains).forEach(beside::add);
        }
        var columns = new LinkedHashMap<>(converted.columns());
        ours.columns().entrySet().stream()
                .filter(column -> beside.contains(column.getKey()))
                .forEach(column -> columns.putIfAbsent(column.getKey(), column.getValue()));
        return converted.with(columns);
    }

    /// The row under new column names; a column that already has the name gives way.
    public static Row renamed(Row row, Map<String, String> renames) {
        if (renames.isEmpty()) {
            return row;
        }
        var columns = new LinkedHashMap<String, Object>();
        row.columns()
                .forEach(
                        (column, value) -> {
                            if (renames.containsKey(column)) {
                                columns.put(renames.get(column), value);
                            } else if (!renames.containsValue(column)) {
                                columns.put(column, value);
                            }
                        });
        for (String column : renames.keySet()) {
            if (!row.columns().containsKey(column)) {
                boolean isText = renames.get(column).equals("text");
                throw new DatasetException(
                        row.origin().where()
                                + (isText ? ": dataset_text_field or columns: " : ": columns: ")
                                + SampleReader.missing(column, row.columns().keySet()));
            }
        }
        return row.with(columns);
    }

    /// Whether the dataset type can be read by a trainer that accepts only some.
    public static void requireAccepted(
            DatasetType type, Collection<DatasetType> accepted, String what) {
        if (!accepted.contains(type)) {
            throw new DatasetException(
                    "%s gives rows of the type %s, which this trainer can't use; accepted are %s"
                            .formatted(
                                    what,
                                    type.key(),
                                    String.join(
                                            ", or ",
                                            accepted.stream().map(DatasetType::shape).toList())));
        }
    }
}
