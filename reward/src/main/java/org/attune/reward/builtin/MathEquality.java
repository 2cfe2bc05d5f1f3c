package org.attune.reward.builtin;

import org.attune.reward.builtin.MathValue.Collection;
import org.attune.reward.builtin.MathValue.Interval;
import org.attune.reward.builtin.MathValue.Matrix;
import org.attune.reward.builtin.MathValue.NamedSet;
import org.attune.reward.builtin.MathValue.Region;
import org.attune.reward.builtin.MathValue.Relation;
import org.attune.reward.builtin.MathValue.Relation.Sign;

import java.util.ArrayList;
import java.util.List;

/// Whether an answer means what the right one means, by the rules of `math-verify`. The right one
/// decides how much of an equation counts, and whether an interval may answer an inequality.
final class MathEquality {
    private MathEquality() {}

    static boolean means(MathValue right, MathValue answer) {
        MathValue gold = shortened(right);
        MathValue given = shortened(answer);
        boolean goldEquation = gold instanceof Relation relation && relation.isEquation();
        boolean givenEquation = given instanceof Relation relation && relation.isEquation();
        if (givenEquation && !goldEquation) {
            given = ((Relation) given).sides().getLast();
        } else if (gold instanceof Relation relation && relation.isAssignment() && !givenEquation) {
            gold = relation.sides().getLast();
        }
        if (gold instanceof Relation relation
                && given.isCollective()
                && !(given instanceof Collection list && list.ordered())) {
            MathValue solved = RealSets.solved(relation);
            gold = solved == null ? gold : solved;
        }
        if (gold instanceof Relation a && given instanceof Relation b) {
            return relations(a, b);
        }
        if (gold.isCollective() || given.isCollective()) {
            return sets(gold, given);
        }
        if (gold instanceof Matrix a && given instanceof Matrix b) {
            return matrices(a, b);
        }
        return gold instanceof MathTerm a && given instanceof MathTerm b && a.means(b);
    }

    /// Shortens `a = b = c`, where `a` is a name, to `a = c`.
    private static MathValue shortened(MathValue value) {
        return value instanceof Relation relation
                        && relation.isAssignment()
                        && relation.sides().size() > 2
                ? new Relation(
                        List.of(relation.sides().getFirst(), relation.sides().getLast()),
                        List.of(Sign.EQUAL))
                : value;
    }

    private static boolean relations(Relation gold, Relation given) {
        int size = gold.signs().size();
        if (size != given.signs().size()) {
            return false;
        }
        for (int i = 0; i < size; i++) {
            if (!relation(
                    gold.sides().get(i),
                    gold.signs().get(i),
                    gold.sides().get(i + 1),
                    given.sides().get(i),
                    given.signs().get(i),
                    given.sides().get(i + 1))) {
                return false;
            }
        }
        return true;
    }

    private static boolean relation(
            MathValue a, Sign sign, MathValue b, MathValue x, Sign other, MathValue y) {
        if (a instanceof MathTerm left
                && b instanceof MathTerm right
                && x instanceof MathTerm givenLeft
                && y instanceof MathTerm givenRight) {
            MathTerm difference = difference(left, right);
            MathTerm given = difference(givenLeft, givenRight);
            return sign == other && difference.means(given)
                    || sign != Sign.UNEQUAL
                            && sign.turned() == other
                            && difference.means(difference(givenRight, givenLeft))
                    || sign == Sign.EQUAL && other == Sign.EQUAL && isMultiple(difference, given);
        }
        return sign == other && means(a, x) && means(b, y);
    }

    private static MathTerm difference(MathTerm a, MathTerm b) {
        boolean infinite = Double.isInfinite(a.number()) || Double.isInfinite(b.number());
        return infinite
                ? a.map(x -> Complex.of(x.re() * 1.5)).plus(b.map(x -> Complex.of(x.re() / 3)))
                : a.minus(b);
    }

    /// Whether one is the other times a number.
    private static boolean isMultiple(MathTerm a, MathTerm b) {
        if (!a.letters().equals(b.letters()) || a.letters().isEmpty()) {
            return false;
        }
        MathTerm ratio = a.over(b);
        Complex first = ratio.values().getFirst();
        return first.abs() > 1e-9
                && ratio.values().stream()
                        .allMatch(one -> one.minus(first).abs() <= 1e-9 * first.abs());
    }

    private static boolean matrices(Matrix gold, Matrix given) {
        if (gold.rows().size() != given.rows().size()
                || gold.rows().getFirst().size() != given.rows().getFirst().size()) {
            return false;
        }
        for (int i = 0; i < gold.rows().size(); i++) {
            for (int j = 0; j < gold.rows().getFirst().size(); j++) {
                if (!gold.rows().get(i).get(j).means(given.rows().get(i).get(j))) {
                    return false;
                }
            }
        }
        return true;
    }

    private static boolean sets(MathValue gold, MathValue given) {
        MathValue a = gold.isCollective() ? gold : new Collection(false, List.of(gold));
        MathValue b = given.isCollective() ? given : new Collection(false, List.of(given));
        if (a instanceof Interval left && b instanceof Interval right) {
            return left.lowOpen() == right.lowOpen()
                    && left.highOpen() == right.highOpen()
                    && left.low().means(right.low())
                    && left.high().means(right.high());
        }
        if (a instanceof NamedSet || b instanceof NamedSet) {
            return a.equals(b);
        }
        if (a instanceof Region || b instanceof Region) {
            return RealSets.areEqual(a, b);
        }
        if (a instanceof Interval pair && b instanceof Collection list) {
            return pair.isOpen()
                    && list.items().size() == 2
                    && collections(new Collection(true, List.of(pair.low(), pair.high())), list);
        }
        if (b instanceof Interval pair && a instanceof Collection list) {
            return pair.isOpen()
                    && list.items().size() == 2
                    && collections(list, new Collection(true, List.of(pair.low(), pair.high())));
        }
        return a instanceof Collection left
                && b instanceof Collection right
                && collections(left, right);
    }

    private static boolean collections(Collection gold, Collection given) {
        List<MathValue> left = gold.distinct();
        List<MathValue> right = new ArrayList<>(given.distinct());
        if (left.size() != right.size()) {
            return false;
        }
        if (gold.ordered()) {
            List<MathValue> written = given.items();
            boolean same = written.size() == left.size();
            for (int i = 0; same && i < left.size(); i++) {
                same = means(left.get(i), written.get(i));
            }
            return same;
        }
        for (MathValue item : left) {
            int found = 0;
            while (found < right.size() && !means(item, right.get(found))) {
                found++;
            }
            if (found == right.size()) {
                return false;
            }
            right.remove(found);
        }
        return true;
    }
}
