package org.attune.auto;

import org.attune.auto.ColumnFacts.Kind;
import org.attune.auto.ColumnFacts.Trait;
import org.attune.auto.TableFacts.Relation;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/// Facts by the words that the table of scores has for them. What is true is 1, else 0.
final class KnownFacts {
    /// A fact of a column in a table that is read in some way.
    interface Fact {
        double value(TableFacts table, Reading reading, ColumnFacts column, String argument);
    }

    private static final Map<String, Fact> FACTS = new HashMap<>();

    static {
        measure("filled", ColumnFacts::filled);
        measure("cells", ColumnFacts::cells);
        measure("words", ColumnFacts::words);
        measure("letters", ColumnFacts::letters);
        measure("marks", ColumnFacts::marks);
        measure("asks", ColumnFacts::asks);
        measure("different", ColumnFacts::different);
        measure("recurs", ColumnFacts::recurs);
        hold("textual", ColumnFacts::isTextual);
        hold("judges", ColumnFacts::judges);
        hold("bare", ColumnFacts::isBare);
        hold("scale", ColumnFacts::isScale);
        hold("all bad", ColumnFacts::saysBad);
        hold("all good", RatedRows::areGood);
        hold("speakers", ColumnFacts::speaks);
        hold("choice letters", ColumnFacts::holdsLetters);
        hold("class words", ColumnFacts::holdsClassWords);
        hold("counts rows", ColumnFacts::countsRows);
        fact("kind", (_, _, c, a) -> c.kind() == Kind.valueOf(upper(a)));
        fact("trait", (_, _, c, a) -> c.is(Trait.valueOf(upper(a))));
        nameFacts();
        tables();
        relations();
    }

    private KnownFacts() {}

    private interface Test {
        boolean holds(TableFacts table, Reading reading, ColumnFacts column, String argument);
    }

    private static void measure(String name, ToDoubleFunction<ColumnFacts> of) {
        FACTS.put(name, (_, _, column, _) -> of.applyAsDouble(column));
    }

    private static void hold(String name, Predicate<ColumnFacts> of) {
        measure(name, column -> of.test(column) ? 1 : 0);
    }

    private static void fact(String name, Test of) {
        FACTS.put(name, (t, r, c, a) -> of.holds(t, r, c, a) ? 1 : 0);
    }

    private static String upper(String argument) {
        return argument.toUpperCase(Locale.ROOT).replace(' ', '_');
    }

    private static ColumnRole role(String argument) {
        return ColumnRole.named(argument).orElseThrow();
    }

    /// What names say.
    private static void nameFacts() {
        fact("nameless", (t, _, c, _) -> !t.isNamed(c));
        fact("known", (t, _, c, _) -> t.isNamed(c) && c.named().isKnown());
        fact("named", (t, _, c, a) -> t.roles(c).contains(role(a)));
        fact("only named", (t, _, c, a) -> t.roles(c).equals(Set.of(role(a))));
        fact("loosely", (t, _, c, a) -> t.roles(c).isEmpty() && isLoosely(t, c, role(a)));
        fact("weakly", (t, _, c, a) -> t.isNamed(c) && c.named().weak().contains(role(a)));
        fact("hinted", (t, _, c, a) -> isHinted(t, c, role(a)));
        fact("silent", (t, _, c, _) -> t.said(c).isEmpty());
        fact("has", (_, _, c, a) -> c.named().has(a));
        fact("ends with", (_, _, c, a) -> ColumnWords.has(c.named().noun(), a));
        fact("begins with", (_, _, c, a) -> ColumnWords.has(c.named().words().getFirst(), a));
        fact("is", (_, _, c, a) -> c.named().is(a));
        fact("language", (_, _, c, _) -> ColumnWords.isLanguage(c.name()));
        fact("class name", (_, _, c, _) -> c.named().isClass());
        FACTS.put("name words", (_, _, c, _) -> c.named().words().size());
        fact("numbered", (_, _, c, _) -> !c.named().stem().isEmpty());
        fact("stem is", (_, _, c, a) -> ColumnWords.is(c.named().stem(), a));
        fact("stem hints", (_, _, c, a) -> stemRoles(c).contains(role(a)));
    }

    private static Set<ColumnRole> stemRoles(ColumnFacts column) {
        return ColumnWords.within(column.named().stem());
    }

    private static boolean isLoosely(TableFacts table, ColumnFacts column, ColumnRole role) {
        return table.isNamed(column) && column.named().loose().contains(role);
    }

    private static boolean isHinted(TableFacts table, ColumnFacts column, ColumnRole role) {
        return table.said(column).contains(role);
    }

    /// What the table and the reading are.
    private static void tables() {
        FACTS.put("rows", (t, _, _, _) -> t.rows());
        FACTS.put("columns", (t, _, _, _) -> t.all().size());
        fact("header", (t, _, _, _) -> t.named());
        fact("longest text", (t, _, own, _) -> t.all().stream().allMatch(c -> fitsIn(c, own)));
        count("texts", (t, _, c, _) -> c.kind() == Kind.TEXT && !isIgnored(t, c));
        count("beside", (_, own, c, _) -> c != own && c.filled() > 0.05 && !c.countsRows());
        count("any has", (_, _, c, a) -> c.named().has(a));
        count("any named", (t, _, c, a) -> t.roles(c).contains(role(a)));
        count("any class name", (_, _, c, _) -> c.named().isClass());
        count("any wrong", (_, _, c, _) -> isWrong(c));
        count("other hinted", (t, own, c, a) -> c != own && isTextOf(t, c, role(a)));
        count("other generated", (t, own, c, _) -> c != own && isGenerated(t, c));
        fact("reading", (_, r, _, a) -> r.kind() == TableMapping.Kind.valueOf(upper(a)));
        fact("fits", (t, r, c, a) -> ScoreTable.get().allows(a, t, r, c));
        FACTS.put("points", (t, r, c, a) -> ScoreTable.get().score(a, t, r, c).points());
    }

    private interface Counted {
        boolean counts(TableFacts table, ColumnFacts own, ColumnFacts column, String argument);
    }

    /// Number of the table's columns for which it holds.
    private static void count(String name, Counted of) {
        FACTS.put(
                name,
                (t, _, own, a) -> t.all().stream().filter(c -> of.counts(t, own, c, a)).count());
    }

    private static boolean isWrong(ColumnFacts column) {
        return column.isTextual() && column.named().isWrong() && !column.judges();
    }

    private static boolean isTextOf(TableFacts table, ColumnFacts column, ColumnRole role) {
        return column.kind() == Kind.TEXT && isHinted(table, column, role);
    }

    /// Whether a column may be what a model answered.
    private static boolean isGenerated(TableFacts table, ColumnFacts column) {
        return column.kind() == Kind.TEXT
                && column.named().has("generated")
                && (table.roles(column).isEmpty()
                        || isHinted(table, column, ColumnRole.COMPLETION));
    }

    private static boolean isIgnored(TableFacts table, ColumnFacts column) {
        return table.roles(column).contains(ColumnRole.IGNORE);
    }

    private static boolean fitsIn(ColumnFacts column, ColumnFacts longest) {
        return column.kind() != Kind.TEXT || column.letters() <= longest.letters();
    }

    /// How the column relates to that of another part. It is NaN where that part isn't there.
    private static void relations() {
        related("right of", (t, one, other) -> place(t, one) - place(t, other));
        related("asks over", KnownFacts::asksOver);
        related("marks over", (_, one, other) -> one.marks() - other.marks());
        related("length of", (_, one, other) -> one.letters() / other.letters());
        related("holds", (t, one, other) -> relation(t, Relation.WITHIN, other, one));
        related("same as", (t, one, other) -> relation(t, Relation.SAME, one, other));
        related("splits", (t, one, other) -> relation(t, Relation.SPLIT, other, one));
        related("paired with", (t, one, other) -> relation(t, Relation.PAIRED, one, other));
        related("constant in", (t, one, other) -> relation(t, Relation.CONSTANT, one, other));
        related("pairs with", (_, one, o) -> NamePairs.has(o.name(), one.name()) ? 1 : 0);
        related("twin of", (_, one, o) -> ColumnWords.areTwins(o.name(), one.name()) ? 1 : 0);
        FACTS.put(
                "within named",
                (t, _, c, a) -> most(t, a, o -> relation(t, Relation.WITHIN, c, o)));
        FACTS.put(
                "holds named", (t, _, c, a) -> most(t, a, o -> relation(t, Relation.WITHIN, o, c)));
        fact("behind all", (t, r, c, _) -> isBehind(t, r, c));
        fact("says winner", (_, r, c, _) -> saysWinner(r, c));
        fact("code of words", (t, _, c, _) -> isCode(t, c));
        fact(
                "of choices",
                (t, _, c, _) ->
                        t.named() && t.families().stream().anyMatch(f -> f.contains(c.name())));
        fact("key", (t, r, c, _) -> Readings.keys(t, r).contains(c.name()));
        fact("first key", (t, r, c, _) -> Readings.keys(t, r).indexOf(c.name()) == 0);
        fact("agrees", (t, r, c, _) -> agrees(t, r, c));
    }

    private interface Related {
        double value(TableFacts table, ColumnFacts one, ColumnFacts other);
    }

    private static void related(String name, Related of) {
        FACTS.put(
                name,
                (t, r, column, part) -> {
                    List<String> columns = r.parts().get(part);
                    return columns == null
                            ? Double.NaN
                            : of.value(t, column, t.column(columns.getFirst()));
                });
    }

    /// How much more one column asks than the other: by marks alone where neither name says
    /// anything.
    private static double asksOver(TableFacts table, ColumnFacts one, ColumnFacts other) {
        boolean silent =
                table.isNamed(one)
                        && table.isNamed(other)
                        && table.said(one).isEmpty()
                        && table.said(other).isEmpty();
        return silent ? one.marks() - other.marks() : one.asks() - other.asks();
    }

    private static boolean isBehind(TableFacts table, Reading reading, ColumnFacts column) {
        return table.all().stream()
                .filter(c -> reading.takes(c.name()))
                .allMatch(c -> place(table, c) < place(table, column));
    }

    private static boolean agrees(TableFacts table, Reading reading, ColumnFacts column) {
        List<String> choices = reading.parts().get(Readings.CHOICES);
        List<String> keys = Readings.keys(table, reading);
        return keys.contains(column.name())
                && keys.stream()
                        .filter(k -> !k.equals(column.name()))
                        .map(k -> List.of(column.name(), k))
                        .allMatch(k -> table.relations().of(Relation.AGREE, choices, k) > 0);
    }

    private static double relation(
            TableFacts t, Relation kind, ColumnFacts one, ColumnFacts other) {
        return t.relations().of(kind, List.of(one.name()), List.of(other.name()));
    }

    private static double most(TableFacts table, String role, ToDoubleFunction<ColumnFacts> of) {
        return table.all().stream()
                .filter(c -> table.roles(c).contains(role(role)))
                .mapToDouble(of)
                .max()
                .orElse(0);
    }

    private static int place(TableFacts table, ColumnFacts column) {
        return table.all().indexOf(column);
    }

    private static boolean saysWinner(Reading reading, ColumnFacts winner) {
        List<String> answers = new ArrayList<>(reading.parts().getOrDefault("first", List.of()));
        answers.addAll(reading.parts().getOrDefault("second", List.of()));
        return answers.size() == 2
                && !winner.values().isEmpty()
                && winner.values().stream()
                        .allMatch(v -> Judgement.isTie(v) || Judgement.winner(v, answers) >= 0);
    }

    /// Whether another column says the same in words.
    private static boolean isCode(TableFacts table, ColumnFacts column) {
        return column.kind() == Kind.NUMBER
                && table.all().stream()
                        .filter(c -> c != column && c.kind() != Kind.NUMBER)
                        .anyMatch(c -> relation(table, Relation.PAIRED, column, c) > 0);
    }

    static Fact of(String name) {
        return Objects.requireNonNull(FACTS.get(name), name);
    }

    static Set<String> names() {
        return FACTS.keySet();
    }
}
