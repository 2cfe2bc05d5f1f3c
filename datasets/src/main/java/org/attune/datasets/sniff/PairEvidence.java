package org.attune.datasets.sniff;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Finds a question and its answer by what columns hold, where their names don't decide. Points
/// are added up for each ordered pair of columns of text; the best pair is taken if it has
/// [#ENOUGH] of them and [#APART] more than any other, so that one sign alone never decides.
///
/// - 2 for each name that says so, 1 where only a word in it does
/// - 4 times the difference of the shares of texts that ask; only question marks count where
///   neither name says anything
/// - 1 where the answer stands right of the question, as people write; −1 where it doesn't
/// - 1 where there is no third column of text; 1 more where the answer is named so and the name of
///   the other says nothing
/// - 0.5 where answers are longer
record PairEvidence(Draft draft) {
    private static final double ENOUGH = 4.5;
    private static final double APART = 2;
    private static final double ASKS = 4;
    private static final double LONGER = 1.2;

    /// Difference of the shares of questions without which an answer must be named so.
    private static final double DIFFERENT = 0.3;

    /// Mean words from which on a column with an unknown name may hold answers, and no names of
    /// files, topics or people.
    private static final int SENTENCE = 3;

    private static final int LETTERS = 14;

    /// Two columns and what speaks for them.
    ///
    /// @param asks the question
    /// @param tells the answer
    /// @param questions share of questions that ask
    /// @param answers share of answers that ask
    /// @param points see above
    record Pair(
            ColumnFacts asks, ColumnFacts tells, double questions, double answers, double points) {
        /// What was seen, for people.
        String words() {
            return "by what they hold: %.0f %% of column \"%s\" ask something, and %.0f %% of \"%s\""
                    .formatted(100 * questions, asks.name(), 100 * answers, tells.name());
        }
    }

    /// The pair that is clearly the best one.
    Optional<Pair> best() {
        List<ColumnFacts> texts =
                draft.free().stream()
                        .map(draft.columns()::facts)
                        .filter(f -> f.kind() == ColumnFacts.Kind.TEXT)
                        .filter(f -> !ColumnWords.strong(f.name()).contains(ColumnRole.IGNORE))
                        .toList();
        Map<String, Double> asking = new HashMap<>();
        texts.forEach(t -> asking.put(t.name(), Asking.share(draft.table(), t.name())));
        List<Pair> pairs = new ArrayList<>();
        for (ColumnFacts asks : texts) {
            for (ColumnFacts tells : texts) {
                if (!asks.equals(tells) && mayAsk(asks) && mayTell(tells)) {
                    pairs.add(pair(asks, tells, asking, texts.size() == 2));
                }
            }
        }
        pairs.sort(Comparator.comparingDouble(Pair::points).reversed());
        boolean clear =
                pairs.size() == 1
                        || pairs.size() > 1
                                && pairs.get(0).points() - pairs.get(1).points() >= APART;
        return pairs.stream().limit(1).filter(p -> clear && p.points() >= ENOUGH).findFirst();
    }

    private Pair pair(
            ColumnFacts asks, ColumnFacts tells, Map<String, Double> asking, boolean alone) {
        boolean marks = !isSaid(asks) && !isSaid(tells) && draft.table().named();
        double questions = marks ? asks.questions() : asking.get(asks.name());
        double answers = marks ? tells.questions() : asking.get(tells.name());
        double more = questions - answers;
        double points = name(asks, ColumnRole.PROMPT) + name(tells, ColumnRole.COMPLETION);
        points += ASKS * more;
        points += place(asks) < place(tells) ? 1 : -1;
        points += alone ? 1 : 0;
        points += alone && name(tells, ColumnRole.COMPLETION) > 1 && isStrange(asks) ? 1 : 0;
        points += tells.letters() > LONGER * asks.letters() ? 0.5 : 0;
        boolean sign = more >= DIFFERENT || name(tells, ColumnRole.COMPLETION) > 1;
        return new Pair(asks, tells, questions, answers, sign ? points : 0);
    }

    private boolean isStrange(ColumnFacts column) {
        return draft.isNamed(column.name()) && !isSaid(column);
    }

    private static boolean isSaid(ColumnFacts column) {
        return !said(column.name()).isEmpty();
    }

    private int place(ColumnFacts column) {
        return draft.table().columns().indexOf(column.name());
    }

    private double name(ColumnFacts column, ColumnRole role) {
        String name = column.name();
        if (!draft.isNamed(name)) {
            return 0;
        }
        if (ColumnWords.strong(name).contains(role) || ColumnWords.loose(name).contains(role)) {
            return 2;
        }
        return said(name).contains(role) ? 1 : 0;
    }

    private boolean mayAsk(ColumnFacts column) {
        return !column.holdsWords() && isFree(column.name(), ColumnRole.PROMPT);
    }

    /// A name that says nothing of answers is one of something else, where texts are short.
    private boolean mayTell(ColumnFacts column) {
        boolean named = said(column.name()).contains(ColumnRole.COMPLETION);
        boolean sentences = column.words() >= SENTENCE || column.letters() >= LETTERS;
        return isFree(column.name(), ColumnRole.COMPLETION)
                && (named || sentences || !draft.isNamed(column.name()));
    }

    /// Whether the name says nothing, or this. A title and a body may both be of the question.
    private boolean isFree(String name, ColumnRole role) {
        if (!draft.isNamed(name)) {
            return true;
        }
        Set<ColumnRole> said = said(name);
        boolean other =
                ColumnWords.has(name, "beside")
                        || ColumnWords.has(name, "doubt")
                        || ColumnWords.has(name, "variant")
                        || ColumnWords.has(name, "context");
        if (role == ColumnRole.COMPLETION
                && ColumnWords.strong(ColumnWords.split(name).getLast()).contains(role)) {
            return true; // `context_answer`
        }
        return said.isEmpty()
                ? !other
                : said.contains(role)
                        && (ColumnWords.strong(name).contains(role)
                                || EnumSet.of(role).containsAll(said));
    }

    /// Roles that the name or a word in it says, or may say.
    private static Set<ColumnRole> said(String name) {
        Set<ColumnRole> roles = EnumSet.noneOf(ColumnRole.class);
        roles.addAll(ColumnWords.within(name));
        roles.addAll(ColumnWords.weak(name));
        for (String word : ColumnWords.split(name)) {
            roles.addAll(ColumnWords.weak(word));
        }
        return roles;
    }
}
