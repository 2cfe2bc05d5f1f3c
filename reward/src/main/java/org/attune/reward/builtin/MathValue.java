package org.attune.reward.builtin;

import java.util.ArrayList;
import java.util.List;

/// What an answer of mathematics means.
sealed interface MathValue
        permits MathTerm,
                MathValue.Collection,
                MathValue.Interval,
                MathValue.Region,
                MathValue.NamedSet,
                MathValue.Relation,
                MathValue.Matrix {
    /// A set, or a tuple where the order counts.
    ///
    /// @param ordered whether it is a tuple
    /// @param items   as they were written, repetitions included
    record Collection(boolean ordered, List<MathValue> items) implements MathValue {
        /// The items; of a set each once.
        List<MathValue> distinct() {
            if (ordered) {
                return items;
            }
            var distinct = new ArrayList<MathValue>();
            for (MathValue item : items) {
                boolean known =
                        item instanceof MathTerm term
                                && distinct.stream()
                                        .anyMatch(
                                                one ->
                                                        one instanceof MathTerm other
                                                                && term.isWrittenAs(other));
                if (!known) {
                    distinct.add(item);
                }
            }
            return distinct;
        }
    }

    /// The numbers between two.
    record Interval(MathTerm low, boolean lowOpen, MathTerm high, boolean highOpen)
            implements MathValue {
        boolean isOpen() {
            return lowOpen && highOpen;
        }
    }

    /// Sets put together.
    record Region(Operation operation, MathValue left, MathValue right) implements MathValue {
        enum Operation {
            UNION,
            INTERSECTION,
            DIFFERENCE
        }
    }

    /// A set with its own name: the whole numbers and the like.
    record NamedSet(String name) implements MathValue {}

    /// Equations and inequalities, `a < x <= b` too.
    ///
    /// @param sides one more than signs
    record Relation(List<MathValue> sides, List<Sign> signs) implements MathValue {
        enum Sign {
            EQUAL,
            UNEQUAL,
            LESS,
            LESS_OR_EQUAL,
            GREATER,
            GREATER_OR_EQUAL;

            /// The sign between the same sides, the other way round.
            Sign turned() {
                return switch (this) {
                    case LESS -> GREATER;
                    case GREATER -> LESS;
                    case LESS_OR_EQUAL -> GREATER_OR_EQUAL;
                    case GREATER_OR_EQUAL -> LESS_OR_EQUAL;
                    case EQUAL, UNEQUAL -> this;
                };
            }
        }

        boolean isEquation() {
            return signs.stream().allMatch(sign -> sign == Sign.EQUAL);
        }

        /// Whether the relation assigns a meaning to a name.
        boolean isAssignment() {
            return isEquation()
                    && switch (sides.getFirst()) {
                        case MathTerm term -> term.isOfSymbols();
                        case Collection list ->
                                list.items().stream()
                                        .allMatch(
                                                one ->
                                                        one instanceof MathTerm term
                                                                && term.isOfSymbols());
                        case Interval pair -> pair.low().isOfSymbols() && pair.high().isOfSymbols();
                        default -> false;
                    };
        }
    }

    /// Rows of expressions.
    record Matrix(List<List<MathTerm>> rows) implements MathValue {}

    /// Whether the value is a set of any kind, or a tuple.
    default boolean isCollective() {
        return this instanceof Collection
                || this instanceof Interval
                || this instanceof Region
                || this instanceof NamedSet;
    }
}
