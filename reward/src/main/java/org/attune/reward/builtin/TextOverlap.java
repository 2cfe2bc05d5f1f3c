package org.attune.reward.builtin;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/// How much of a reference text a text has: BLEU and chrF of single sentences with sacrebleu's
/// defaults, and the F-measure of ROUGE as rouge-score has it without stemming. All are from 0 to
/// 1.
final class TextOverlap {
    private static final int BLEU_ORDER = 4;
    private static final int CHRF_ORDER = 6;
    private static final double CHRF_BETA_SQUARED = 4;

    /// What Python's `str.split` parts words at.
    private static final Pattern SPACES =
            Pattern.compile(
                    "[\\t-\\r"
                        + "\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+");

    /// The rules of the tokenizer `13a` of mteval-v13a, in their order.
    private static final List<Rule> RULES =
            List.of(
                    new Rule("([{-~\\[-` -&(-+:-@/])", " $1 "),
                    new Rule("([^0-9])([.,])", "$1 $2 "),
                    new Rule("([.,])([^0-9])", " $1 $2"),
                    new Rule("([0-9])(-)", "$1 $2 "));

    private static final Pattern NOT_ROUGE = Pattern.compile("[^a-z0-9]+");

    private record Rule(Pattern pattern, String replacement) {
        Rule(String pattern, String replacement) {
            this(Pattern.compile(pattern), replacement);
        }

        String of(String text) {
            return pattern.matcher(text).replaceAll(replacement);
        }
    }

    private TextOverlap() {}

    /// Sentence BLEU ([Papineni et al. 2002](https://aclanthology.org/P02-1040/)): orders for which
    /// the text is too short are left out, and where no n-gram of an order matches, half, a quarter
    /// … of one counts instead ([Chen and Cherry 2014](https://aclanthology.org/W14-3346/),
    /// smoothing 3).
    ///
    /// @param references at least one
    static double bleu(String text, List<String> references) {
        List<String> words = words13a(text);
        List<List<String>> right = references.stream().map(TextOverlap::words13a).toList();
        double logs = 0;
        double smoothing = 1;
        int orders = 0;
        boolean any = false;
        for (int n = 1; n <= BLEU_ORDER && words.size() >= n; n++) {
            Map<List<String>, Integer> counts = grams(words, n);
            Map<List<String>, Integer> most = new HashMap<>();
            for (List<String> reference : right) {
                grams(reference, n).forEach((gram, count) -> most.merge(gram, count, Math::max));
            }
            long matches = matches(counts, most);
            int total = words.size() - n + 1;
            any |= matches > 0;
            if (matches == 0) {
                smoothing *= 2;
            }
            logs += Math.log(matches == 0 ? 1 / (smoothing * total) : (double) matches / total);
            orders = n;
        }
        if (!any) {
            return 0;
        }
        int length = closest(words.size(), right);
        double brevity = words.size() < length ? Math.exp(1 - (double) length / words.size()) : 1;
        return brevity * Math.exp(logs / orders);
    }

    /// Length of the reference that is nearest, of two the shorter.
    private static int closest(int length, List<List<String>> references) {
        int best = references.getFirst().size();
        for (List<String> reference : references) {
            int distance = Math.abs(reference.size() - length) - Math.abs(best - length);
            if (distance < 0 || distance == 0 && reference.size() < best) {
                best = reference.size();
            }
        }
        return best;
    }

    private static List<String> words13a(String text) {
        String plain =
                stripped(text).replace("<skipped>", "").replace("-\n", "").replace("\n", " ");
        if (plain.contains("&")) {
            plain =
                    plain.replace("&quot;", "\"")
                            .replace("&amp;", "&")
                            .replace("&lt;", "<")
                            .replace("&gt;", ">");
        }
        String spaced = " " + plain + " ";
        for (Rule rule : RULES) {
            spaced = rule.of(spaced);
        }
        return words(spaced);
    }

    private static String stripped(String text) {
        return text.replaceFirst(SPACES.pattern() + "\\z", "");
    }

    /// Sentence chrF ([Popović 2015](https://aclanthology.org/W15-3049/)): F-measure with β = 2 of
    /// n-grams of 1 to 6 characters, without white space; orders that either text is too short for
    /// are left out.
    ///
    /// @param references at least one; the best counts
    static double chrf(String text, List<String> references) {
        return references.stream().mapToDouble(right -> chrf(text, right)).max().orElse(0);
    }

    private static double chrf(String text, String reference) {
        List<Integer> characters = characters(text);
        List<Integer> right = characters(reference);
        double precision = 0;
        double recall = 0;
        int orders = Math.min(CHRF_ORDER, Math.min(characters.size(), right.size()));
        for (int n = 1; n <= orders; n++) {
            long matches = matches(grams(characters, n), grams(right, n));
            precision += (double) matches / (characters.size() - n + 1);
            recall += (double) matches / (right.size() - n + 1);
        }
        if (precision + recall == 0) {
            return 0;
        }
        double p = precision / orders;
        double r = recall / orders;
        return (1 + CHRF_BETA_SQUARED) * p * r / (CHRF_BETA_SQUARED * p + r);
    }

    private static List<Integer> characters(String text) {
        return SPACES.matcher(text).replaceAll("").codePoints().boxed().toList();
    }

    /// ROUGE-N ([Lin 2004](https://aclanthology.org/W04-1013/)): F-measure of n-grams of words.
    ///
    /// @param references at least one; the best counts
    static double rouge(int n, String text, List<String> references) {
        Map<List<String>, Integer> counts = grams(rougeWords(text), n);
        return references.stream()
                .map(reference -> grams(rougeWords(reference), n))
                .mapToDouble(right -> f1(matches(counts, right), total(counts), total(right)))
                .max()
                .orElse(0);
    }

    /// ROUGE-L: F-measure of the longest common subsequence of words.
    ///
    /// @param references at least one; the best counts
    static double rougeL(String text, List<String> references) {
        List<String> words = rougeWords(text);
        return references.stream()
                .map(TextOverlap::rougeWords)
                .mapToDouble(right -> f1(common(words, right), words.size(), right.size()))
                .max()
                .orElse(0);
    }

    private static List<String> rougeWords(String text) {
        return words(NOT_ROUGE.matcher(text.toLowerCase(Locale.ROOT)).replaceAll(" "));
    }

    /// Length of the longest common subsequence.
    private static int common(List<String> a, List<String> b) {
        int[] row = new int[b.size() + 1];
        for (String word : a) {
            int diagonal = 0;
            for (int j = 1; j < row.length; j++) {
                int above = row[j];
                row[j] = word.equals(b.get(j - 1)) ? diagonal + 1 : Math.max(row[j], row[j - 1]);
                diagonal = above;
            }
        }
        return row[b.size()];
    }

    private static double f1(long matches, long has, long should) {
        return matches == 0 ? 0 : 2.0 * matches / (has + should);
    }

    private static List<String> words(String text) {
        return SPACES.splitAsStream(text).filter(word -> !word.isEmpty()).toList();
    }

    private static <T> Map<List<T>, Integer> grams(List<T> items, int n) {
        Map<List<T>, Integer> counts = new HashMap<>();
        for (int i = 0; i + n <= items.size(); i++) {
            counts.merge(new ArrayList<>(items.subList(i, i + n)), 1, Integer::sum);
        }
        return counts;
    }

    private static <T> long matches(Map<List<T>, Integer> counts, Map<List<T>, Integer> most) {
        return counts.entrySet().stream()
                .mapToLong(e -> Math.min(e.getValue(), most.getOrDefault(e.getKey(), 0)))
                .sum();
    }

    private static <T> long total(Map<List<T>, Integer> counts) {
        return counts.values().stream().mapToLong(Integer::longValue).sum();
    }
}
