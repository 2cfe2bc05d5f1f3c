package org.attune.agents.table;

import org.attune.agents.table.Query.Item;
import org.attune.agents.table.Query.Join;
import org.attune.agents.table.Query.Order;
import org.attune.agents.table.QueryTokens.Token;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Reads a query:
/// ```
/// SELECT [DISTINCT] * | column | COUNT(*) | COUNT(c) | SUM(c) | AVG(c) | MIN(c) | MAX(c), …
/// [FROM table] [WHERE condition] [GROUP BY column, …] [ORDER BY … [DESC], …] [LIMIT n]
/// ```
/// Conditions are `= != <> < <= > >=`, `[NOT] LIKE`, `[NOT] IN (…)`, `BETWEEN … AND …`, `IS [NOT]
/// NULL`, joined by `AND`, `OR`, `NOT` and parentheses. Texts are compared without regard to case.
/// A comparison with null, or of a number with a text, is false.
final class QueryReader {
    private static final int LONGEST = 4000;
    private static final int DEEPEST = 100;

    private final QueryTokens tokens;
    private final Table table;
    private int depth;

    private QueryReader(QueryTokens tokens, Table table) {
        this.tokens = tokens;
        this.table = table;
    }

    /// @throws IllegalArgumentException with a message for who wrote it
    static Query read(String query, Table table) {
        if (query.length() > LONGEST) {
            throw new IllegalArgumentException(
                    "a query has at most %d characters, got %d".formatted(LONGEST, query.length()));
        }
        return new QueryReader(new QueryTokens(query), table).query();
    }

    private Query query() {
        if (!tokens.skip("select")) {
            throw tokens.missing("SELECT");
        }
        boolean isDistinct = tokens.skip("distinct");
        List<Item> items = items();
        if (tokens.skip("from")) {
            requireTable(tokens.next("the table"));
        }
        Predicate<List<Object>> where = tokens.skip("where") ? or() : _ -> true;
        List<Integer> groups = new ArrayList<>();
        if (tokens.skip("group", "by")) {
            do {
                groups.add(table.column(name(tokens.next("a column"))));
            } while (tokens.skip(","));
        }
        List<Order> order = tokens.skip("order", "by") ? order(items) : List.of();
        OptionalInt limit = tokens.skip("limit") ? OptionalInt.of(limit()) : OptionalInt.empty();
        tokens.peek()
                .ifPresent(
                        _ -> {
                            throw tokens.missing(
                                    "WHERE, GROUP BY, ORDER BY, LIMIT or the end of the query");
                        });
        return new Query(items, isDistinct, where, List.copyOf(groups), order, limit);
    }

    private void requireTable(Token token) {
        if (!token.text().equalsIgnoreCase(table.name())) {
            throw new IllegalArgumentException(
                    "there is no table \"%s\"; the table is %s"
                            .formatted(token.text(), table.described()));
        }
    }

    private List<Item> items() {
        List<Item> items = new ArrayList<>();
        do {
            if (tokens.skip("*")) {
                for (int i = 0; i < table.columns().size(); i++) {
                    items.add(new Item(table.columns().get(i), i, null));
                }
            } else {
                items.add(item());
            }
        } while (tokens.skip(","));
        return items;
    }

    private Item item() {
        Token first = tokens.next("a column");
        Item item = item(first);
        return tokens.skip("as")
                ? new Item(name(tokens.next("a name")), item.column(), item.join())
                : item;
    }

    private Item item(Token first) {
        Optional<Join> join = join(first);
        if (join.isEmpty() || !tokens.skip("(")) {
            int column = table.column(name(first));
            return new Item(table.columns().get(column), column, null);
        }
        String function = first.text().toLowerCase(Locale.ROOT);
        int column = -1;
        if (join.get() != Join.COUNT || !tokens.skip("*")) {
            column = table.column(name(tokens.next("a column")));
        }
        tokens.require(")");
        String shown = column < 0 ? "*" : table.columns().get(column);
        return new Item("%s(%s)".formatted(function, shown), column, join.get());
    }

    private static Optional<Join> join(Token token) {
        return Stream.of(Join.values()).filter(join -> token.is(join.name())).findFirst();
    }

    private static String name(Token token) {
        if (token.kind().equals("word") || token.kind().equals("quoted")) {
            return token.text();
        }
        throw new IllegalArgumentException("expected a name, got \"%s\"".formatted(token.text()));
    }

    private List<Order> order(List<Item> items) {
        List<Order> order = new ArrayList<>();
        do {
            Token first = tokens.next("a column");
            Item item =
                    items.stream()
                            .filter(i -> i.name().equalsIgnoreCase(first.text()))
                            .findFirst()
                            .orElseGet(() -> item(first));
            boolean isDescending = tokens.skip("desc");
            if (!isDescending) {
                tokens.skip("asc");
            }
            order.add(new Order(item, isDescending));
        } while (tokens.skip(","));
        return order;
    }

    private int limit() {
        Token number = tokens.next("a number of rows");
        if (!number.kind().equals("number") || !number.text().matches("\\d{1,9}")) {
            throw new IllegalArgumentException(
                    "LIMIT needs a whole number, got \"%s\"".formatted(number.text()));
        }
        return Integer.parseInt(number.text());
    }

    private Predicate<List<Object>> or() {
        if (++depth > DEEPEST) {
            throw new IllegalArgumentException("more than %d levels deep".formatted(DEEPEST));
        }
        Predicate<List<Object>> condition = and();
        while (tokens.skip("or")) {
            condition = condition.or(and());
        }
        depth--;
        return condition;
    }

    private Predicate<List<Object>> and() {
        Predicate<List<Object>> condition = not();
        while (tokens.skip("and")) {
            condition = condition.and(not());
        }
        return condition;
    }

    private Predicate<List<Object>> not() {
        boolean isNot = false;
        while (tokens.skip("not")) {
            isNot = !isNot;
        }
        Predicate<List<Object>> condition;
        if (tokens.skip("(")) {
            condition = or();
            tokens.require(")");
        } else {
            condition = comparison();
        }
        return isNot ? condition.negate() : condition;
    }

    private Predicate<List<Object>> comparison() {
        Function<List<Object>, Object> left = operand();
        if (tokens.skip("is", "not", "null")) {
            return row -> left.apply(row) != null;
        }
        if (tokens.skip("is", "null")) {
            return row -> left.apply(row) == null;
        }
        if (tokens.skip("between")) {
            Function<List<Object>, Object> low = operand();
            tokens.require("and");
            Function<List<Object>, Object> high = operand();
            return compared(left, ">=", low).and(compared(left, "<=", high));
        }
        boolean isNot = tokens.skip("not");
        if (tokens.skip("in")) {
            return negated(isNot, left, in(left));
        }
        if (tokens.skip("like")) {
            Token pattern = tokens.next("a text");
            return negated(isNot, left, like(left, pattern.text()));
        }
        Token sign = tokens.next("a comparison, as = or <");
        if (isNot || !List.of("=", "==", "!=", "<>", "<", "<=", ">", ">=").contains(sign.text())) {
            throw new IllegalArgumentException(
                    "expected =, !=, <, <=, >, >=, LIKE, IN, BETWEEN or IS NULL, got \"%s\""
                            .formatted(sign.text()));
        }
        return compared(left, sign.text(), operand());
    }

    private static Predicate<List<Object>> negated(
            boolean isNot, Function<List<Object>, Object> left, Predicate<List<Object>> what) {
        return isNot ? row -> left.apply(row) != null && !what.test(row) : what;
    }

    private static Predicate<List<Object>> compared(
            Function<List<Object>, Object> left,
            String sign,
            Function<List<Object>, Object> right) {
        return row -> {
            Object a = left.apply(row);
            Object b = right.apply(row);
            if (!Values.areComparable(a, b)) {
                return a != null && b != null && (sign.equals("!=") || sign.equals("<>"));
            }
            int order = Values.compare(a, b);
            return switch (sign) {
                case "=", "==" -> order == 0;
                case "!=", "<>" -> order != 0;
                case "<" -> order < 0;
                case "<=" -> order <= 0;
                case ">" -> order > 0;
                default -> order >= 0;
            };
        };
    }

    private Predicate<List<Object>> in(Function<List<Object>, Object> left) {
        tokens.require("(");
        Predicate<List<Object>> any = _ -> false;
        do {
            any = any.or(compared(left, "=", operand()));
        } while (tokens.skip(","));
        tokens.require(")");
        return any;
    }

    private static Predicate<List<Object>> like(
            Function<List<Object>, Object> left, String pattern) {
        var regex = new StringBuilder();
        for (char c : pattern.toCharArray()) {
            regex.append(
                    switch (c) {
                        case '%' -> ".*";
                        case '_' -> ".";
                        default -> Pattern.quote(String.valueOf(c));
                    });
        }
        Pattern compiled =
                Pattern.compile(
                        regex.toString(),
                        Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE | Pattern.DOTALL);
        return row -> {
            Object value = left.apply(row);
            return value != null && compiled.matcher(Values.shown(value)).matches();
        };
    }

    private Function<List<Object>, Object> operand() {
        Token token = tokens.next("a column or a value");
        return switch (token.kind()) {
            case "number" -> value(number(token.text()));
            case "text" -> value(token.text());
            case "quoted" ->
                    table.hasColumn(token.text()) ? column(token.text()) : value(token.text());
            case "word" ->
                    switch (token.text().toLowerCase(Locale.ROOT)) {
                        case "true" -> value(true);
                        case "false" -> value(false);
                        case "null" -> value(null);
                        default -> column(token.text());
                    };
            default ->
                    throw new IllegalArgumentException(
                            "expected a column or a value, got \"%s\"".formatted(token.text()));
        };
    }

    private static Function<List<Object>, Object> value(Object value) {
        return _ -> value;
    }

    private Function<List<Object>, Object> column(String name) {
        int place = table.column(name);
        return row -> row.get(place);
    }

    private static Object number(String text) {
        return text.matches("-?\\d{1,18}") ? (Object) Long.valueOf(text) : Double.valueOf(text);
    }
}
