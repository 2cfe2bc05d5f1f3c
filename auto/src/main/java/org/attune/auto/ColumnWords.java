package org.attune.auto;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Names that people give to columns, in about twenty languages, by what such a column is for
/// (`column-words.tsv`).
final class ColumnWords {
    private static final String FILE = "column-words.tsv";
    private static final String SET = "words:";

    /// What is explained behind a name, as in `Answer 1 - max 75 characters`.
    private static final String EXPLAINED = "(?<=\\S)\\s+[-–—]\\s+(\\S+\\s+){2,}\\S+$";
    private static final Pattern TWIN = Pattern.compile("(.*?)_?(a|b|1|2|left|right|one|two|x|y)");
    private static final Map<String, Set<ColumnRole>> STRONG = read(false);
    private static final Map<String, Set<ColumnRole>> WEAK = read(true);

    private static final Map<String, Set<String>> SETS = sets();

    private ColumnWords() {}

    private static Map<String, Set<ColumnRole>> read(boolean weak) {
        Map<String, Set<ColumnRole>> words = new HashMap<>();
        for (String[] line : lines(FILE)) {
            Optional<ColumnRole> role = ColumnRole.named(line[0].replace("?", ""));
            if (role.isPresent() && line[0].endsWith("?") == weak) {
                for (String word : words(line[1])) {
                    words.computeIfAbsent(word, _ -> EnumSet.noneOf(ColumnRole.class))
                            .add(role.get());
                }
            }
        }
        return Collections.unmodifiableMap(words);
    }

    private static Map<String, Set<String>> sets() {
        Map<String, Set<String>> sets = new HashMap<>();
        for (String[] line : lines(FILE)) {
            if (line[0].startsWith(SET)) {
                sets.put(line[0].substring(SET.length()), Set.copyOf(words(line[1])));
            }
        }
        return sets;
    }

    /// The fields of a resource's lines, without remarks.
    static List<String[]> lines(String resource) {
        try (var in =
                new BufferedReader(
                        new InputStreamReader(
                                ColumnWords.class.getResourceAsStream(resource),
                                StandardCharsets.UTF_8))) {
            return in.lines().filter(l -> !l.startsWith("#")).map(l -> l.split("\t")).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// The names in a cell of a resource, by commas.
    static Set<String> words(String cell) {
        return Arrays.stream(cell.split(",")).map(ColumnWords::normal).collect(Collectors.toSet());
    }

    /// A name without accents, case, blanks and punctuation: `User Question:` is `user_question`.
    static String normal(String name) {
        String bare = name.replaceFirst(EXPLAINED, "");
        String apart = bare.replaceAll("(?<=\\p{Ll})(?=\\p{Lu})", "_");
        String plain =
                Normalizer.normalize(apart, Normalizer.Form.NFKD)
                        .replace("ß", "ss")
                        .replaceAll("(?<=[\\p{IsLatin}\\p{IsGreek}])\\p{M}+", "")
                        .toLowerCase(Locale.ROOT);
        return plain.replaceAll("[^\\p{L}\\p{N}\\p{M}]+", "_").replaceAll("^_+|_+$", "");
    }

    /// Roles that the name says.
    static Set<ColumnRole> strong(String name) {
        return roles(STRONG, name);
    }

    /// Roles that the name or a word in it says: `Frage des Kunden` is about a question.
    static Set<ColumnRole> within(String name) {
        Set<ColumnRole> roles = EnumSet.noneOf(ColumnRole.class);
        roles.addAll(strong(name));
        for (String part : normal(name).split("_")) {
            roles.addAll(strong(part));
        }
        return roles;
    }

    /// A name without the letter or number of one of two; empty if it has none.
    static String stem(String name) {
        Matcher twin = TWIN.matcher(normal(name));
        return twin.matches() ? twin.group(1) : "";
    }

    /// The letter or number of one of two, such as `a`; empty if there is none.
    static String ending(String name) {
        Matcher twin = TWIN.matcher(normal(name));
        return twin.matches() ? twin.group(2) : "";
    }

    /// Whether two names differ by `a` and `b`, `1` and `2` or the like.
    static boolean areTwins(String one, String other) {
        return !stem(one).isEmpty()
                && stem(one).equals(stem(other))
                && !ending(one).equals(ending(other));
    }

    /// Whether a word of the name is in a set of the file.
    static boolean has(String name, String set) {
        return !Collections.disjoint(set(set), split(name));
    }

    /// Whether the whole name is in a set of the file.
    static boolean is(String name, String set) {
        return set(set).contains(normal(name));
    }

    /// The words of a set of the file.
    static Set<String> set(String name) {
        return Objects.requireNonNull(SETS.get(name), name);
    }

    /// A name's words, with numbers behind them apart: `answer1` is `answer` and `1`.
    static List<String> split(String name) {
        return List.of(normal(name).replaceAll("(?<=\\p{L})(?=\\p{N}+(_|$))", "_").split("_"));
    }

    /// Whether the name is one of a language, as `English`, `text_en` or `Deutscher Satz`.
    static boolean isLanguage(String name) {
        List<String> words = new ArrayList<>(split(name));
        words.removeIf(set("wording")::contains);
        return words.size() == 1 && set("language").contains(words.getFirst());
    }

    /// Roles that are left of a name without words that say nothing: `First Answer (final)` is an
    /// answer, where there is no other.
    static Set<ColumnRole> loose(String name) {
        List<String> words = new ArrayList<>(split(name));
        words.removeIf(set("filler")::contains);
        Set<ColumnRole> roles = strong(String.join("_", words));
        return words.isEmpty() ? Set.of() : roles;
    }

    /// Roles that the name may have where no other column has them.
    static Set<ColumnRole> weak(String name) {
        return roles(WEAK, name);
    }

    private static Set<ColumnRole> roles(Map<String, Set<ColumnRole>> words, String name) {
        String normal = normal(name);
        Set<ColumnRole> exact = words.getOrDefault(normal, Set.of());
        if (!exact.isEmpty()) {
            return exact;
        }
        for (String less :
                List.of("^(the|der|die|das|la|el|le|il|l)_", "_(text|str|string|col)$")) {
            Set<ColumnRole> found = words.getOrDefault(normal.replaceFirst(less, ""), Set.of());
            if (!found.isEmpty()) {
                return found;
            }
        }
        Set<ColumnRole> joined = words.getOrDefault(normal.replace("_", ""), Set.of());
        if (!joined.isEmpty()) {
            return joined; // "ChatBot" is "chatbot"
        }
        return words == STRONG ? compound(normal) : Set.of();
    }

    /// The role of a name of several words: `expert_answer` is an answer, `answer_type` isn't, and
    /// `old_answer` may be anything.
    private static Set<ColumnRole> compound(String normal) {
        String[] parts = normal.split("_");
        if (parts.length < 2
                || parts.length > 4
                || !Collections.disjoint(set("doubt"), List.of(parts))) {
            return Set.of();
        }
        Set<ColumnRole> last = STRONG.getOrDefault(parts[parts.length - 1], Set.of());
        if (last.contains(ColumnRole.IGNORE)) {
            return EnumSet.of(ColumnRole.IGNORE);
        }
        var others = EnumSet.noneOf(ColumnRole.class);
        for (int i = 0; i < parts.length - 1; i++) {
            others.addAll(STRONG.getOrDefault(parts[i], Set.of()));
        }
        others.remove(ColumnRole.IGNORE);
        boolean answer =
                last.contains(ColumnRole.COMPLETION)
                        || parts.length == 2 && others.contains(ColumnRole.COMPLETION);
        if (answer) {
            others.addAll(last); // "respuesta elegida" has its noun first
            for (ColumnRole side : List.of(ColumnRole.CHOSEN, ColumnRole.REJECTED)) {
                if (parts.length == 2 && others.contains(side)) {
                    return EnumSet.of(side);
                }
            }
            others.removeAll(last);
        }
        for (ColumnRole role : List.of(ColumnRole.PROMPT, ColumnRole.COMPLETION)) {
            if (last.contains(role) && EnumSet.of(role).containsAll(others)) {
                return EnumSet.of(role);
            }
        }
        return Set.of();
    }

    /// Whether the name is one of a column.
    static boolean isKnown(String name) {
        return !strong(name).isEmpty() || !weak(name).isEmpty();
    }
}
