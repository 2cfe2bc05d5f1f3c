package org.attune.datasets.rows;

import org.apache.arrow.flatbuf.DictionaryEncoding;
import org.apache.arrow.flatbuf.Endianness;
import org.apache.arrow.flatbuf.Field;
import org.apache.arrow.flatbuf.KeyValue;
import org.apache.arrow.flatbuf.MetadataVersion;
import org.apache.arrow.flatbuf.Schema;
import org.attune.error.DatasetException;
import org.attune.error.Excerpt;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.IntFunction;

/// A column of an Arrow schema, or a part of one.
///
/// @param path the column and the fields in it, `messages.content`, for messages
/// @param meaning what the values are in JSON, if something else than their type
/// @param dictionary where the values are found, if the column has only their places
record ArrowField(
        String name,
        String path,
        ArrowType type,
        Meaning meaning,
        List<ArrowField> children,
        Optional<Dictionary> dictionary) {
    private static final int LEVELS = 32;

    /// Arrow's extension types that change what a value is.
    enum Meaning {
        PLAIN,
        /// `arrow.json`: a text of JSON, which is read.
        JSON,
        /// `arrow.uuid`: 16 bytes, given as text.
        UUID;

        private static Meaning of(Field field, ArrowType type) {
            for (int i = 0; i < field.customMetadataLength(); i++) {
                KeyValue entry = field.customMetadata(i);
                if ("ARROW:extension:name".equals(entry.key())) {
                    boolean text =
                            type instanceof ArrowType.Binaries(boolean isText, boolean _) && isText
                                    || type instanceof ArrowType.Views(boolean isViewed)
                                            && isViewed;
                    return "arrow.json".equals(entry.value()) && text
                            ? JSON
                            : "arrow.uuid".equals(entry.value())
                                            && type instanceof ArrowType.FixedBinaries(int width)
                                            && width == 16
                                    ? UUID
                                    : PLAIN;
                }
            }
            return PLAIN;
        }
    }

    /// Where values are found of which a column has the places.
    record Dictionary(long id, ArrowType.Integers places) {}

    /// The columns of a schema.
    ///
    /// @param version of the message or footer that has it
    /// @throws DatasetException naming a column that can't be read
    static List<ArrowField> of(Schema schema, short version, String file) {
        if (version < MetadataVersion.V4) {
            throw new DatasetException(
                    file + ": written before Arrow 0.8; write it again with a newer version");
        }
        if (schema.endianness() != Endianness.Little) {
            throw new DatasetException(
                    file + ": its numbers are big-endian; little-endian ones are read");
        }
        return fields(schema.fieldsLength(), schema::fields, file, "", 1);
    }

    private static List<ArrowField> fields(
            int count, IntFunction<Field> fields, String file, String prefix, int level) {
        if (count > RowLimits.COLUMNS || level > LEVELS) {
            throw new DatasetException(
                    "%s: more than %d columns or %d levels of nesting"
                            .formatted(file, RowLimits.COLUMNS, LEVELS));
        }
        var all = new ArrayList<ArrowField>(count);
        for (int i = 0; i < count; i++) {
            all.add(field(fields.apply(i), file, prefix, level));
        }
        return all;
    }

    private static ArrowField field(Field field, String file, String prefix, int level) {
        String name = Objects.requireNonNullElse(field.name(), "");
        String path = prefix + name;
        String where = "%s: column \"%s\"".formatted(file, Excerpt.of(path));
        ArrowType type = ArrowType.of(field, where);
        List<ArrowField> children =
                fields(field.childrenLength(), field::children, file, path + ".", level + 1);
        requireChildren(type, children, where);
        DictionaryEncoding encoding = field.dictionary();
        Optional<Dictionary> dictionary =
                encoding == null
                        ? Optional.empty()
                        : Optional.of(
                                new Dictionary(
                                        encoding.id(),
                                        encoding.indexType() == null
                                                ? new ArrowType.Integers(32, true)
                                                : ArrowType.integers(encoding.indexType(), where)));
        return new ArrowField(name, path, type, Meaning.of(field, type), children, dictionary);
    }

    private static void requireChildren(ArrowType type, List<ArrowField> children, String where) {
        boolean fits =
                switch (type) {
                    case ArrowType.Lists _, ArrowType.ListViews _, ArrowType.FixedLists _ ->
                            children.size() == 1;
                    case ArrowType.Maps _ ->
                            children.size() == 1
                                    && children.getFirst().type() instanceof ArrowType.Structs
                                    && children.getFirst().children().size() == 2;
                    case ArrowType.Runs _ ->
                            children.size() == 2
                                    && children.getFirst().type() instanceof ArrowType.Integers;
                    case ArrowType.Structs _ -> true;
                    case ArrowType.Nulls _,
                            ArrowType.Booleans _,
                            ArrowType.Integers _,
                            ArrowType.Reals _,
                            ArrowType.Decimals _,
                            ArrowType.Dates _,
                            ArrowType.Times _,
                            ArrowType.Timestamps _,
                            ArrowType.Durations _,
                            ArrowType.Binaries _,
                            ArrowType.Views _,
                            ArrowType.FixedBinaries _ ->
                            children.isEmpty();
                };
        if (!fits) {
            throw new DatasetException(where + ": its type has other parts than it needs");
        }
        requireDistinct(children, where);
    }

    /// Requires names that an object can have as keys.
    ///
    /// @throws DatasetException naming what occurs twice
    static void requireDistinct(List<ArrowField> fields, String where) {
        var names = new HashSet<String>();
        fields.forEach(
                field -> {
                    if (!names.add(field.name())) {
                        throw new DatasetException(
                                "%s: the name \"%s\" occurs twice; rename one"
                                        .formatted(where, Excerpt.of(field.name())));
                    }
                });
    }

    /// Collects the fields whose values are in dictionaries, with those inside of dictionaries.
    ///
    /// @param to by the dictionary's number: what its values are
    void collectDictionaries(Map<Long, ArrowField> to) {
        dictionary.ifPresent(
                d ->
                        to.putIfAbsent(
                                d.id(),
                                new ArrowField(
                                        name, path, type, meaning, children, Optional.empty())));
        children.forEach(child -> child.collectDictionaries(to));
    }
}
