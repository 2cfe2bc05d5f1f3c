package org.attune.ranks;

import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/// Ranks that hold weights in parts, and give them to each other where a rank needs them whole. A
/// rank does so at a time that others don't know: its passes are as many as its rows ask for. So
/// before each call that all make together, every rank says whether it has come to that call or
/// what it needs. As long as one needs weights, all give it their parts. A rank that has no pass
/// left serves the others until they are done too.
///
/// A call costs one more exchange of a number.
public final class ServingCollective implements Collective {
    private static final String WHAT = "weights of a block";
    private static final int NOTHING = -1;

    private final Collective carrier;
    private final List<Thing> things = new ArrayList<>();

    /// Things that ranks hold in parts.
    public interface Shelf {
        /// How many things there are, the same on all ranks.
        int size();

        /// Gives this rank's part of a thing to the others, and gets theirs. All ranks make this
        /// call.
        ///
        /// @param thing its number, from 0 on
        /// @param needed whether this rank needs it whole
        void give(int thing, boolean needed);
    }

    /// @param number on its shelf
    private record Thing(Shelf shelf, int number) {}

    /// @param carrier owned; what gives parts makes calls of it
    public ServingCollective(Collective carrier) {
        this.carrier = carrier;
    }

    /// What carries parts while they are given.
    public Collective carrier() {
        return carrier;
    }

    /// Adds a shelf. All ranks do so between the same two calls.
    public void add(Shelf shelf) {
        for (int number = 0; number < shelf.size(); number++) {
            things.add(new Thing(shelf, number));
        }
    }

    /// Takes all shelves away, when no rank needs anything any more. All ranks make this call.
    public void end() {
        if (!things.isEmpty()) {
            serve(WHAT, NOTHING);
            things.clear();
        }
    }

    /// Gets a thing whole; other ranks may be anywhere before their next call.
    public void need(Shelf shelf, int thing) {
        int mine = things.indexOf(new Thing(shelf, thing));
        if (mine == -1) {
            throw new IllegalStateException("parts of what no other rank gives");
        }
        serve(WHAT, mine);
    }

    /// @param what this rank is up to
    /// @param mine what it needs; [#NOTHING]: it waits for the others
    private void serve(String what, int mine) {
        SortedSet<Integer> needed;
        do {
            needed = new TreeSet<>();
            for (double[] theirs : carrier.allGather(what, mine)) {
                needed.add((int) theirs[0]);
            }
            needed.remove(NOTHING);
            for (int number : needed) {
                Thing thing = things.get(number);
                thing.shelf().give(thing.number(), number == mine);
            }
        } while (mine == NOTHING && !needed.isEmpty());
    }

    /// Comes to a call that all make.
    private Collective together(String what) {
        if (!things.isEmpty()) {
            serve(what, NOTHING);
        }
        return carrier;
    }

    @Override
    public int rank() {
        return carrier.rank();
    }

    @Override
    public int size() {
        return carrier.size();
    }

    @Override
    public int local() {
        return carrier.local();
    }

    @Override
    public String where(int rank) {
        return carrier.where(rank);
    }

    @Override
    public boolean writes() {
        return carrier.writes();
    }

    @Override
    public void enter(int step) {
        carrier.enter(step);
    }

    /// Refused: what a part of the ranks does among themselves would keep the others waiting.
    @Override
    public Collective part(int number) {
        throw new UnsupportedOperationException("a part of ranks that hold weights in parts");
    }

    @Override
    public void allReduce(String what, Tensor sum) {
        together(what).allReduce(what, sum);
    }

    @Override
    public void reduceScatter(String what, Tensor whole, int[] counts, Tensor part) {
        together(what).reduceScatter(what, whole, counts, part);
    }

    @Override
    public void allGather(String what, Tensor part, Tensor whole) {
        together(what).allGather(what, part, whole);
    }

    @Override
    public void broadcast(String what, Tensor values, int from) {
        together(what).broadcast(what, values, from);
    }

    @Override
    public double[][] allGather(String what, double... mine) {
        return together(what).allGather(what, mine);
    }

    @Override
    public byte[][] allGather(String what, byte[] mine) {
        return together(what).allGather(what, mine);
    }

    @Override
    public void barrier(String what) {
        together(what).barrier(what);
    }

    @Override
    public RankTimes times() {
        return carrier.times();
    }

    @Override
    public void close() {
        carrier.close();
    }
}
