package org.attune.reward;

import org.attune.episode.Episode;
import org.attune.episode.Turn;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// What the roles of episodes get, and what it is compared with. A conversation of a role gets the
/// rewards of its turns, and what judges the episode as a whole:
/// ```
/// r_{i,c} = Σ_{turns t of c} r_{i,t} + r_i
/// ```
/// It is compared with the conversations of the same role in all episodes of the prompt. A role
/// that has several conversations in an episode tries one thing several times there: these are
/// compared with each other alone. Baselines by role are those of SPIRAL's role-conditioned
/// advantages ([Liu et al. 2025](https://arxiv.org/abs/2506.24119)), taken in groups instead of
/// over past rounds.
final class RoleRewards {
    /// A conversation with its reward.
    ///
    /// @param role empty where an episode has none
    record Sample(int completion, int conversation, String role, double reward) {}

    private record Key(int group, int completion, String role) {}

    private final GroupedRewards round;
    private final List<Sample> samples = new ArrayList<>();
    private final List<List<Sample>> groups; // conversations that are compared with each other

    private RoleRewards(GroupedRewards round) {
        this.round = round;
        for (int i = 0; i < round.table().size(); i++) {
            if (!Double.isNaN(round.table().total(i))) {
                addSamples(i);
            }
        }
        groups = grouped();
    }

    static RoleRewards of(GroupedRewards round) {
        return new RoleRewards(round);
    }

    private List<Turn> turns(int completion) {
        return round.episode(completion).map(Episode::turns).orElse(List.of());
    }

    private void addSamples(int completion) {
        List<Turn> turns = turns(completion);
        double[] given = round.table().ofTurnsAndWhole(completion, turns.size());
        Map<Integer, String> roles = new LinkedHashMap<>();
        Map<Integer, Double> rewards = new LinkedHashMap<>();
        for (int t = 0; t < turns.size(); t++) {
            roles.putIfAbsent(turns.get(t).conversation(), turns.get(t).role());
            rewards.merge(turns.get(t).conversation(), given[t], Double::sum);
        }
        if (turns.isEmpty()) {
            roles.put(0, "");
            rewards.put(0, 0.0);
        }
        for (Map.Entry<Integer, String> one : roles.entrySet()) {
            double reward = given[turns.size()] + rewards.get(one.getKey());
            samples.add(new Sample(completion, one.getKey(), one.getValue(), reward));
        }
    }

    private List<List<Sample>> grouped() {
        Set<Key> several = new HashSet<>(); // roles of groups that have several tries
        Set<Key> seen = new HashSet<>();
        for (Sample sample : samples) {
            if (!seen.add(new Key(group(sample), sample.completion(), sample.role()))) {
                several.add(new Key(group(sample), -1, sample.role()));
            }
        }
        Map<Key, List<Sample>> groups = new LinkedHashMap<>();
        for (Sample sample : samples) {
            var all = new Key(group(sample), -1, sample.role());
            Key key =
                    several.contains(all)
                            ? new Key(group(sample), sample.completion(), sample.role())
                            : all;
            groups.computeIfAbsent(key, _ -> new ArrayList<>()).add(sample);
        }
        return List.copyOf(groups.values());
    }

    private int group(Sample sample) {
        return sample.completion() / round.generations();
    }

    /// Advantages of all tokens of each conversation, with the round's metrics.
    ///
    /// @param scale by what centred rewards are divided: the deviation (n − 1) of their group, or
    ///     of the round's conversations of their role, plus 1e-4
    /// @param leaveOut whether the baseline is the mean of the others
    Advantages advantages(Advantages.Scale scale, boolean leaveOut) {
        int size = round.table().size();
        double[] values = new double[size];
        double[][] tokens = new double[size][];
        for (int i = 0; i < size; i++) {
            tokens[i] = new double[round.masks()[i].length];
        }
        for (List<Sample> group : groups) {
            double mean = mean(group);
            double divisor =
                    switch (scale) {
                        case GROUP -> deviation(group) + Advantages.EPSILON;
                        case BATCH -> deviation(of(group.getFirst().role())) + Advantages.EPSILON;
                        case NONE -> 1;
                    };
            int n = group.size();
            for (Sample sample : group) {
                double centred = sample.reward() - mean;
                double compared = leaveOut ? centred * n / Math.max(1, n - 1) : centred;
                write(sample, n < 2 ? 0 : compared / divisor, values, tokens);
            }
        }
        Map<String, Double> metrics =
                new LinkedHashMap<>(Advantages.statistics(round.table(), round.generations()));
        metrics.putAll(statistics());
        metrics.put("frac_reward_zero_std", zeroShare(groups));
        return new Advantages(values, Optional.of(tokens), metrics);
    }

    /// @param values take that of the conversation with which an episode begins
    private void write(Sample sample, double advantage, double[] values, double[][] tokens) {
        int i = sample.completion();
        List<Turn> turns = turns(i);
        if (sample.conversation() == 0) {
            values[i] = advantage;
        }
        for (int t = 0; t < tokens[i].length; t++) {
            int turn = round.turn(i, t);
            if (turns.isEmpty() || turns.get(turn).conversation() == sample.conversation()) {
                tokens[i][t] = advantage;
            }
        }
    }

    private List<Sample> of(String role) {
        return samples.stream().filter(sample -> sample.role().equals(role)).toList();
    }

    /// What each role got: `roles/<role>/reward`, `roles/<role>/reward_std` over its conversations,
    /// and `roles/<role>/frac_reward_zero_std`, the share of its groups whose rewards are equal.
    /// Empty without roles.
    Map<String, Double> statistics() {
        Set<String> roles = new LinkedHashSet<>();
        samples.forEach(sample -> roles.add(sample.role()));
        roles.remove("");
        Map<String, Double> metrics = new LinkedHashMap<>();
        for (String role : roles) {
            List<Sample> own = of(role);
            metrics.put("roles/" + role + "/reward", mean(own));
            metrics.put("roles/" + role + "/reward_std", deviation(own));
            metrics.put(
                    "roles/" + role + "/frac_reward_zero_std",
                    zeroShare(
                            groups.stream()
                                    .filter(group -> group.getFirst().role().equals(role))
                                    .toList()));
        }
        return metrics;
    }

    /// NaN where no group has two.
    private static double zeroShare(List<List<Sample>> groups) {
        List<List<Sample>> compared = groups.stream().filter(group -> group.size() > 1).toList();
        long equal = compared.stream().filter(group -> deviation(group) <= 1e-8).count();
        return compared.isEmpty() ? Double.NaN : (double) equal / compared.size();
    }

    private static double mean(List<Sample> samples) {
        return samples.stream().mapToDouble(Sample::reward).sum() / samples.size();
    }

    /// 0 of fewer than two.
    private static double deviation(List<Sample> samples) {
        double mean = mean(samples);
        double squares = 0;
        for (Sample sample : samples) {
            squares += (sample.reward() - mean) * (sample.reward() - mean);
        }
        return Math.sqrt(squares / Math.max(1, samples.size() - 1));
    }
}
