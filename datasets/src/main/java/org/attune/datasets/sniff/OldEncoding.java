package org.attune.datasets.sniff;

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

/// An encoding from before Unicode. ICU names it by the bytes that each of them makes likely; it is
/// taken only where no other comes near.
///
/// @param charset that reads it
/// @param name for people
record OldEncoding(Charset charset, String name) {
    private static final OldEncoding WESTERN = of("windows-1252", "Windows-1252");

    /// By ICU's names. Where Windows has an encoding that holds all of another's letters, it is
    /// taken for both.
    private static final Map<String, OldEncoding> KNOWN =
            Map.ofEntries(
                    Map.entry("EUC-KR", of("x-windows-949", "EUC-KR (CP949, Korean)")),
                    Map.entry("Shift_JIS", of("windows-31j", "Shift JIS (CP932, Japanese)")),
                    Map.entry("EUC-JP", of("EUC-JP", "EUC-JP (Japanese)")),
                    Map.entry("GB18030", of("GB18030", "GB 18030 (GBK, Chinese)")),
                    Map.entry("Big5", of("x-windows-950", "Big5 (CP950, Chinese)")),
                    Map.entry("windows-1251", of("windows-1251", "Windows-1251 (Cyrillic)")),
                    Map.entry("KOI8-R", of("KOI8-R", "KOI8-R (Cyrillic)")),
                    Map.entry("ISO-8859-5", of("ISO-8859-5", "ISO 8859-5 (Cyrillic)")),
                    Map.entry("windows-1250", of("windows-1250", "Windows-1250")),
                    Map.entry("ISO-8859-2", of("ISO-8859-2", "ISO 8859-2")),
                    Map.entry("windows-1253", of("windows-1253", "Windows-1253 (Greek)")),
                    Map.entry("ISO-8859-7", of("ISO-8859-7", "ISO 8859-7 (Greek)")),
                    Map.entry("windows-1254", of("windows-1254", "Windows-1254 (Turkish)")),
                    Map.entry("ISO-8859-9", of("windows-1254", "Windows-1254 (Turkish)")),
                    Map.entry("windows-1255", of("windows-1255", "Windows-1255 (Hebrew)")),
                    Map.entry("ISO-8859-8", of("windows-1255", "Windows-1255 (Hebrew)")),
                    Map.entry("ISO-8859-8-I", of("windows-1255", "Windows-1255 (Hebrew)")),
                    Map.entry("windows-1256", of("windows-1256", "Windows-1256 (Arabic)")),
                    Map.entry("windows-1252", WESTERN),
                    Map.entry("ISO-8859-1", WESTERN));

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

    /// Signs of pounds that are enough, and their share.
    private static final int FEWEST_POUNDS = 3;

    private static final double POUNDS = 0.9;

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
        if (!strangeLetters && isShared(bytes, western) || countsPounds(bytes, western)) {
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

    /// Whether nearly all that the related encodings would read otherwise are signs of pounds
    /// before numbers: English texts have hardly any other sign that tells.
    private static boolean countsPounds(byte[] bytes, String western) {
        String other = new String(bytes, RELATED.getFirst());
        int differ = 0;
        int pounds = 0;
        for (int i = 0; i < western.length(); i++) {
            if (western.charAt(i) != other.charAt(i)) {
                differ++;
                boolean counts =
                        i + 1 < western.length() && Character.isDigit(western.charAt(i + 1));
                pounds += western.charAt(i) == '£' && counts ? 1 : 0;
            }
        }
        return pounds >= FEWEST_POUNDS && pounds > POUNDS * differ;
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
