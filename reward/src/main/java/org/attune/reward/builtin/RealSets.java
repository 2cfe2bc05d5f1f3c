package org.attune.reward.builtin;

import org.attune.reward.builtin.MathTerm.Form;
import org.attune.reward.builtin.MathValue.Collection;
import org.attune.reward.builtin.MathValue.Interval;
import org.attune.reward.builtin.MathValue.Region;
import org.attune.reward.builtin.MathValue.Relation;
import org.attune.reward.builtin.MathValue.Relation.Sign;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/// Sets of real numbers, compared where they begin, end, and between.
final class RealSets {
    private RealSets() {}

    static boolean areEqual(MathValue a, MathValue b) {
        var ends = new TreeSet<Double>();
        if (!collect(a, ends) || !collect(b, ends)) {
            return false;
        }
        var probes = new ArrayList<Double>();
        Double before = null;
        for (double end : ends) {
            if (before != null && end - before <= 1e-9 * Math.max(1, Math.abs(end))) {
                continue; // one and the same, but for rounding
            }
            probes.add(before == null ? end - 1 : (before + end) / 2);
            probes.add(end);
            before = end;
        }
        probes.add(before == null ? 0 : before + 1);
        return probes.stream().allMatch(x -> contains(a, x) == contains(b, x));
    }

    private static boolean collect(MathValue set, Set<Double> ends) {
        return switch (set) {
            case Interval pair -> add(pair.low(), ends) && add(pair.high(), ends);
            case Region region -> collect(region.left(), ends) && collect(region.right(), ends);
            case Collection list ->
                    list.items().stream()
                            .allMatch(one -> one instanceof MathTerm term && add(term, ends));
            default -> false;
        };
    }

    private static boolean add(MathTerm end, Set<Double> ends) {
        double number = end.number();
        if (!Double.isInfinite(number) && !Double.isNaN(number)) {
            ends.add(number);
        }
        return !Double.isNaN(number);
    }

    private static boolean contains(MathValue set, double x) {
        return switch (set) {
            case Interval pair ->
                    (pair.lowOpen()
                                    ? below(pair.low(), x)
                                    : below(pair.low(), x) || at(pair.low(), x))
                            && (pair.highOpen()
                                    ? !below(pair.high(), x) && !at(pair.high(), x)
                                    : !below(pair.high(), x));
            case Region region ->
                    switch (region.operation()) {
                        case UNION -> contains(region.left(), x) || contains(region.right(), x);
                        case INTERSECTION ->
                                contains(region.left(), x) && contains(region.right(), x);
                        case DIFFERENCE ->
                                contains(region.left(), x) && !contains(region.right(), x);
                    };
            case Collection list -> list.items().stream().anyMatch(one -> at((MathTerm) one, x));
            default -> false;
        };
    }

    private static boolean below(MathTerm end, double x) {
        return end.number() < x && !at(end, x);
    }

    private static boolean at(MathTerm end, double x) {
        return Math.abs(end.number() - x) <= 1e-9 * Math.max(1, Math.abs(x));
    }

    /// The numbers that fulfil inequalities of one letter, which are linear; null for others.
    static MathValue solved(Relation relation) {
        MathValue all = null;
        for (int i = 0; i < relation.signs().size(); i++) {
            MathValue one =
                    relation.sides().get(i) instanceof MathTerm left
                                    && relation.sides().get(i + 1) instanceof MathTerm right
                            ? solved(left, relation.signs().get(i), right)
                            : null;
            if (one == null) {
                return null;
            }
            all = all == null ? one : both(all, one);
        }
        return all;
    }

    private static MathValue both(MathValue a, MathValue b) {
        if (a instanceof Interval x && b instanceof Interval y) {
            boolean low = x.low().number() >= y.low().number();
            boolean high = x.high().number() <= y.high().number();
            if ((low ? x : y).low().number() > (high ? x : y).high().number()) {
                return new Collection(false, List.of());
            }
            return new Interval(
                    low ? x.low() : y.low(),
                    low ? x.lowOpen() : y.lowOpen(),
                    high ? x.high() : y.high(),
                    high ? x.highOpen() : y.highOpen());
        }
        return new Region(Region.Operation.INTERSECTION, a, b);
    }

    private static MathValue solved(MathTerm left, Sign sign, MathTerm right) {
        MathTerm infinity = MathTerm.constant(Double.POSITIVE_INFINITY);
        boolean unbounded = Double.isInfinite(left.number()) || Double.isInfinite(right.number());
        if (unbounded) { // x < ∞ says nothing
            return new Interval(infinity.negated(), true, infinity, true);
        }
        MathTerm difference = left.minus(right);
        if (difference.letters().size() != 1) {
            return null;
        }
        double[] x = MathTerm.numbers(difference.letters().iterator().next());
        double[] y = difference.values().stream().mapToDouble(Complex::re).toArray();
        double slope = (y[1] - y[0]) / (x[1] - x[0]);
        boolean linear =
                Math.abs(y[0] + slope * (x[2] - x[0]) - y[2]) <= 1e-9 * (1 + Math.abs(y[2]));
        if (!linear || Math.abs(slope) < 1e-9) {
            return null;
        }
        MathTerm root = rounded(x[0] - y[0] / slope);
        Sign up = slope > 0 ? sign : sign.turned();
        boolean open = up == Sign.LESS || up == Sign.GREATER;
        return switch (up) {
            case LESS, LESS_OR_EQUAL -> new Interval(infinity.negated(), true, root, open);
            case GREATER, GREATER_OR_EQUAL -> new Interval(root, open, infinity, true);
            case EQUAL -> new Collection(false, List.of(root));
            case UNEQUAL ->
                    new Region(
                            Region.Operation.DIFFERENCE,
                            new Interval(infinity.negated(), true, infinity, true),
                            new Collection(false, List.of(root)));
        };
    }

    private static MathTerm rounded(double root) {
        return Math.abs(root - Math.rint(root)) < 1e-9
                ? MathTerm.whole((long) Math.rint(root))
                : MathTerm.constant(root, new Form.Other(false));
    }
}
