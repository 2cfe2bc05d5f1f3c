package org.attune.agents.table;

import org.attune.agents.spec.ToolKind;
import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolSet;
import org.attune.agents.tool.ToolSetFactory;
import org.attune.agents.tool.ToolSpec;
import org.attune.error.ConfigException;
import org.attune.files.GivenPath;
import org.attune.reward.builtin.Parameters;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/// `table`: one tool that answers queries on a table, see [QueryReader]. Parameters: one of `file`
/// (`.csv`, `.jsonl` or `.json`), `rows` (a list of objects) and `column` (of the data, which holds
/// such a list for each episode); `table`, its name in queries (`data`); `as`, the tool's name
/// (`query`); `max_rows` of an answer (50).
///
/// A single value is answered as it is, several as lines with a header.
public final class TableKind implements ToolKind {
    private static final String ARGUMENT = "query";
    private static final int MOST_ROWS = 50;

    @Override
    public String name() {
        return "table";
    }

    @Override
    public ToolSetFactory open(Parameters parameters, Path directory) {
        String name = parameters.text("as", "query");
        String table = parameters.text("table", "data");
        int most = parameters.integer("max_rows", MOST_ROWS, 1);
        String file = parameters.text("file", "");
        String column = parameters.text("column", "");
        Object rows = parameters.object("rows");
        int given = (file.isEmpty() ? 0 : 1) + (column.isEmpty() ? 0 : 1) + (rows == null ? 0 : 1);
        if (given != 1) {
            parameters.problem("exactly one of file, rows and column is needed");
        }
        parameters.check();
        if (!column.isEmpty()) {
            return start -> {
                if (!(start.row().get(column) instanceof List<?> list)) {
                    throw new ConfigException(
                            "column \"%s\" must hold a list of objects, the table's rows, got %s"
                                    .formatted(column, start.row().get(column)));
                }
                return ToolSet.of(
                        List.of(tool(name, "the table " + table, Table.of(table, list), most)));
            };
        }
        Table fixed = fixed(table, file.isEmpty() ? rows : read(file, directory));
        Tool tool = tool(name, "the table " + fixed.described(), fixed, most);
        return _ -> ToolSet.of(List.of(tool));
    }

    private static List<?> read(String file, Path directory) {
        return TableFile.read(GivenPath.input(file, directory));
    }

    private static Table fixed(String name, Object rows) {
        if (!(rows instanceof List<?> list) || list.isEmpty()) {
            throw new ConfigException("a table needs rows, got " + rows);
        }
        try {
            return Table.of(name, list);
        } catch (IllegalArgumentException e) {
            throw new ConfigException(e.getMessage(), e);
        }
    }

    private static Tool tool(String name, String described, Table table, int most) {
        var spec =
                ToolSpec.of(name, "Answers an SQL query on %s.".formatted(described))
                        .with(
                                ARGUMENT,
                                "string",
                                "such as SELECT COUNT(*) FROM %s WHERE %s = 'x'"
                                        .formatted(table.name(), table.columns().getFirst()));
        return Tool.of(
                spec, (arguments, _) -> answer((String) arguments.get(ARGUMENT), table, most));
    }

    /// @throws IllegalArgumentException if the query is wrong, with a message for who wrote it
    static String answer(String text, Table table, int most) {
        Query query = QueryReader.read(text, table);
        List<List<Object>> rows = query.run(table);
        if (rows.isEmpty()) {
            return "no rows";
        }
        if (rows.size() == 1 && query.items().size() == 1) {
            return Values.shown(rows.getFirst().getFirst());
        }
        var lines = new ArrayList<String>();
        lines.add(query.items().stream().map(Query.Item::name).collect(Collectors.joining(", ")));
        rows.stream()
                .limit(most)
                .map(row -> row.stream().map(Values::shown).collect(Collectors.joining(", ")))
                .forEach(lines::add);
        if (rows.size() > most) {
            lines.add("… %d more rows; use LIMIT or WHERE".formatted(rows.size() - most));
        }
        return String.join("\n", lines);
    }
}
