package org.attune.auto;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What is known of a table before anybody says what its columns are for: facts of each column, and
/// how columns relate. Nothing else decides a mapping.
final class TableFacts {
    /// Mean words of a speaker's name at most, beside a message under the same name.
    private static final double NAME = 2.2;

    /// How columns relate.
    interface Relations {
        /// The relation's value; 0 where there is none.
        ///
        /// @param kind of the relation
        /// @param one a column, or the columns of choices
        /// @param other another column, or two keys
        double of(Relation kind, List<String> one, List<String> other);
    }

    /// A relation of two columns.
    enum Relation {
        /// Share of rows in which the cell of one stands word by word in a longer one of the other.
        WITHIN,
        /// Share of rows in which both have the same cell.
        SAME,
        /// Share of texts of one that have several values in the other.
        SPLIT,
        /// 1 if each value of one has one value of the other, and the other way round.
        PAIRED,
        /// 1 if rows with equal cells in the other have equal cells in the one.
        CONSTANT,
        /// How the other column says which of the choices is right: place of the reading among
        /// [ChoiceAnswers.Reading], from 1.
        KEY,
        /// 1 if two keys name the same choices.
        AGREE
    }

    private final Map<String, ColumnFacts> columns;
    private final Map<String, Set<ColumnRole>> roles = new HashMap<>();
    private final List<ColumnFacts> all;
    private final List<List<String>> families;
    private final int rows;
    private final boolean named;
    private final Relations relations;

    /// @param columns in their order, without empty ones
    /// @param rows their number
    /// @param named whether the file names its columns
    /// @param relations of columns to each other
    TableFacts(List<ColumnFacts> columns, int rows, boolean named, Relations relations) {
        this.all = List.copyOf(columns);
        this.rows = rows;
        this.named = named;
        this.relations = relations;
        this.columns = new LinkedHashMap<>();
        columns.forEach(column -> this.columns.put(column.name(), column));
        columns.forEach(column -> roles.put(column.name(), rolesOf(column)));
        families = ChoiceFamilies.of(this);
    }

    static TableFacts of(SniffedTable table, Set<String> without) {
        List<ColumnFacts> columns =
                table.columns().stream()
                        .filter(column -> !without.contains(column))
                        .map(column -> ColumnFacts.of(column, table.rows()))
                        .filter(column -> column.kind() != ColumnFacts.Kind.EMPTY)
                        .toList();
        return new TableFacts(
                columns, table.rows().size(), table.named(), new TableRelations(table));
    }

    ColumnFacts column(String name) {
        return columns.get(name);
    }

    List<ColumnFacts> all() {
        return all;
    }

    int rows() {
        return rows;
    }

    boolean named() {
        return named;
    }

    Relations relations() {
        return relations;
    }

    /// Columns that may be the choices of one question.
    List<List<String>> families() {
        return families;
    }

    /// Roles that a column's name says. A name such as `customer` over a word or two says who
    /// spoke, and `a` is an answer only beside `q`.
    Set<ColumnRole> roles(ColumnFacts column) {
        return roles.get(column.name());
    }

    /// Roles that the name or a word in it says, or may say.
    Set<ColumnRole> said(ColumnFacts column) {
        boolean letter = column.named().words().equals(List.of("a"));
        return !isNamed(column) || letter && roles(column).isEmpty()
                ? Set.of()
                : column.named().said();
    }

    private Set<ColumnRole> rolesOf(ColumnFacts column) {
        if (!isNamed(column)) {
            return Set.of();
        }
        if (column.named().is("who") && column.words() <= NAME) {
            return Set.of(ColumnRole.IGNORE);
        }
        boolean letter = column.name().strip().equalsIgnoreCase("a");
        boolean question = columns.keySet().stream().anyMatch(c -> c.strip().equalsIgnoreCase("q"));
        return letter && !question ? Set.of() : column.named().strong();
    }

    /// Whether a column has a name, other than a number.
    boolean isNamed(ColumnFacts column) {
        return named && !column.name().matches("(column_)?\\d+|Unnamed: \\d+");
    }
}
