package org.attune.auto;

import com.ibm.icu.text.CharsetDetector;
import com.ibm.icu.text.CharsetMatch;

import java.io.ByteArrayOutputStream;
import java.nio.charset.Charset;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// An encoding from before Unicode. ICU names it by the bytes that each of them makes likely; it is
/// taken only where no other comes near.
///
/// @param charset that reads it
/// @param name for people
record OldEncoding(Charset charset, String name) {
    private static final OldEncoding WESTERN = of("windows-1252", "Windows-1252");

    /// Encodings by ICU's names (`encodings.tsv`).
    private static final Map<String, OldEncoding> KNOWN =
            ColumnWords.lines("encodings.tsv").stream()
                    .collect(Collectors.toMap(line -> line[0], line -> of(line[1], line[2])));

    /// Encodings that share Windows-1252's signs and many of its letters.
    private static final List<Charset> RELATED =
            List.of(
                    Charset.forName("windows-1250"),
                    Charset.forName("windows-1254"),
                    Charset.forName("windows-1257"));

    /// ICU's confidence, of 100, that is enough. Languages that it doesn't know, such as
    /// Lithuanian, get up to 30 as Western ones.
    private static final int ENOUGH = 30;

    private static final int ENOUGH_WESTERN = 35;
    private static final int APART = 8;
    private static final int SAMPLE = 8000;

    /// Signs and capitals within words, as the letters of other encodings look in Windows-1252.
    private static final Pattern STRANGE =
            Pattern.compile("\\p{Ll}[¹³¿¼¾§ŠŽŸ‡†ˆ‰¡¢£¤¥¦©ª«¬®¯±²µ¶¸„”“‚]\\p{Ll}");

    private static OldEncoding of(String charset, String name) {
        return new OldEncoding(Charset.forName(charset), name);
    }

    /// The encoding of text that is no UTF-8.
    ///
    /// @return empty if it isn't clear
    static Optional<OldEncoding> of(byte[] bytes) {
        String western = new String(bytes, WESTERN.charset());
        boolean strangeLetters = STRANGE.matcher(western).results().limit(2).count() > 1;
        if (!strangeLetters && isShared(bytes, western)) {
            return Optional.of(WESTERN);
        }
        var detector = new CharsetDetector();
        detector.setText(sample(bytes));
        List<CharsetMatch> matches = new ArrayList<>(List.of(detector.detectAll()));
        matches.removeIf(match -> !KNOWN.containsKey(match.getName()));
        if (matches.isEmpty()) {
            return Optional.empty();
        }
        CharsetMatch best = matches.getFirst();
        OldEncoding found = KNOWN.get(best.getName());
        int next =
                matches.stream()
                        .filter(m -> !KNOWN.get(m.getName()).equals(found))
                        .mapToInt(CharsetMatch::getConfidence)
                        .max()
                        .orElse(0);
        int enough = found.equals(WESTERN) ? ENOUGH_WESTERN : ENOUGH;
        boolean strange = found.equals(WESTERN) && strangeLetters;
        return best.getConfidence() >= enough && best.getConfidence() >= next + APART && !strange
                ? Optional.of(found)
                : Optional.empty();
    }

    /// Whether the related encodings would read the same, as where only signs and letters such as ä
    /// and ö are beyond ASCII.
    private static boolean isShared(byte[] bytes, String western) {
        return RELATED.stream().allMatch(charset -> new String(bytes, charset).equals(western));
    }

    /// Lines with bytes beyond ASCII, each once: the others say nothing.
    private static byte[] sample(byte[] bytes) {
        var sample = new ByteArrayOutputStream();
        Set<String> seen = new HashSet<>();
        int from = 0;
        while (from < bytes.length && sample.size() < SAMPLE) {
            int to = from;
            boolean beyond = false;
            while (to < bytes.length && bytes[to] != '\n') {
                beyond |= bytes[to++] < 0;
            }
            int length = Math.min(bytes.length, to + 1) - from;
            if (beyond && seen.add(new String(bytes, from, length, WESTERN.charset()))) {
                sample.write(bytes, from, length);
            }
            from = to + 1;
        }
        return sample.toByteArray();
    }
}
