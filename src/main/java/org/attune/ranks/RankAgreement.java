package org.attune.ranks;

import org.attune.error.CollectiveException;
import org.attune.json.Json;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/// What all ranks must have alike: program, configuration, model, data. A rank that has something
/// else would train on it without a word.
public final class RankAgreement {
    private static final int MOST_DIFFERENCES = 8; // named in a message
    private static final int LONGEST = 60; // characters of a value shown

    private RankAgreement() {}

    /// Compares with the other ranks. All make this call, and all throw if one differs.
    ///
    /// @param facts what this rank has, as `data: train.jsonl` with a hash; values of any length
    /// @throws CollectiveException if another rank has others; names rank, machine and both values
    public static void require(Collective ranks, Map<String, String> facts) {
        byte[] mine = Json.write(facts).getBytes(StandardCharsets.UTF_8);
        byte[][] theirs = ranks.allGather("what all ranks have alike", mine);
        Map<?, ?> first = read(theirs[0]);
        List<String> differences = new ArrayList<>();
        for (int rank = 1; rank < theirs.length; rank++) {
            compare(ranks, rank, first, read(theirs[rank]), differences);
        }
        if (!differences.isEmpty()) {
            throw new CollectiveException(
                    "ranks don't have the same: %s. All ranks need the same program,"
                                    .formatted(shown(differences))
                            + " configuration, model and data");
        }
    }

    private static Map<?, ?> read(byte[] json) {
        return (Map<?, ?>) Json.parse(new String(json, StandardCharsets.UTF_8));
    }

    private static void compare(
            Collective ranks, int rank, Map<?, ?> first, Map<?, ?> other, List<String> to) {
        Set<Object> names = new LinkedHashSet<>(first.keySet());
        names.addAll(other.keySet());
        for (Object name : names) {
            if (!Objects.equals(first.get(name), other.get(name))) {
                to.add(
                        "%s has %s %s, %s has %s"
                                .formatted(
                                        ranks.where(rank),
                                        name,
                                        value(other.get(name)),
                                        ranks.where(0),
                                        value(first.get(name))));
            }
        }
    }

    private static String value(Object value) {
        if (value == null) {
            return "not at all";
        }
        String text = value.toString();
        return text.length() <= LONGEST ? text : text.substring(0, LONGEST) + "…";
    }

    private static String shown(List<String> differences) {
        int more = differences.size() - MOST_DIFFERENCES;
        String text = String.join("; ", differences.stream().limit(MOST_DIFFERENCES).toList());
        return more <= 0 ? text : text + "; and " + more + " more differences";
    }
}
