package org.attune.trainers.onpolicy;

import org.attune.trainers.onpolicy.OngoingGroups.Member;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// By how many versions of the weights completions are older than what learns from them. A
/// completion is as old as its first token.
///
/// @param sum over completions
/// @param most of a completion
/// @param completions how many there are
/// @param several how many have tokens of several versions
record Staleness(long sum, int most, int completions, int several) {
    static final Staleness NONE = new Staleness(0, 0, 0, 0);

    /// @param learned version of the weights that learn
    static Staleness of(List<Member> members, int learned) {
        long sum = 0;
        int most = 0;
        int several = 0;
        for (Member member : members) {
            int first = member.versions()[0];
            sum += learned - first;
            most = Math.max(most, learned - first);
            several += member.versions()[member.versions().length - 1] > first ? 1 : 0;
        }
        return new Staleness(sum, most, members.size(), several);
    }

    Staleness and(Staleness other) {
        return new Staleness(
                sum + other.sum,
                Math.max(most, other.most),
                completions + other.completions,
                several + other.several);
    }

    void write(DataOutputStream out) throws IOException {
        out.writeLong(sum);
        out.writeInt(most);
        out.writeInt(completions);
        out.writeInt(several);
    }

    static Staleness read(DataInputStream in) throws IOException {
        return new Staleness(in.readLong(), in.readInt(), in.readInt(), in.readInt());
    }

    /// In one order, so that checkpoints have the same bytes.
    Map<String, Double> metrics() {
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put("sample/staleness_mean", (double) sum / completions);
        metrics.put("sample/staleness_max", (double) most);
        metrics.put("sample/several_versions", (double) several / completions);
        return metrics;
    }
}
