package org.attune.ranks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.mockito.ArgumentMatchers.anyString;
import static org.mockito.Mockito.doAnswer;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.mockito.ArgumentMatchers;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.DoubleStream;

/// Ranks that are threads.
@Timeout(30)
class ServingCollectiveTest {
    private static final int RANKS = 3;

    private final CyclicBarrier together = new CyclicBarrier(RANKS);
    private final double[] said = new double[RANKS];

    private Collective carrier(int rank) {
        Collective carrier = mock(Collective.class);
        when(carrier.rank()).thenReturn(rank);
        when(carrier.size()).thenReturn(RANKS);
        when(carrier.allGather(anyString(), ArgumentMatchers.<double[]>any()))
                .thenAnswer(call -> gather(rank, call.getArgument(1)));
        doAnswer(_ -> gather(rank, 0).length == RANKS ? null : 0)
                .when(carrier)
                .barrier(anyString());
        return carrier;
    }

    private double[][] gather(int rank, double mine) throws Exception {
        said[rank] = mine;
        together.await();
        double[][] all =
                DoubleStream.of(said).mapToObj(one -> new double[] {one}).toArray(double[][]::new);
        together.await();
        return all;
    }

    /// Notes what is given.
    private record Notes(int size, List<String> given) implements ServingCollective.Shelf {
        @Override
        public void give(int thing, boolean needed) {
            given.add(size + "/" + thing + (needed ? " needed" : ""));
        }
    }

    /// What a rank needs before a call that all make.
    private List<String> serve(int rank, List<Integer> few, List<Integer> many) {
        var given = new ArrayList<String>();
        var first = new Notes(2, given);
        var second = new Notes(5, given);
        var ranks = new ServingCollective(carrier(rank));
        ranks.barrier("before there is anything");
        ranks.add(first);
        ranks.add(second);
        few.forEach(thing -> ranks.need(first, thing));
        many.forEach(thing -> ranks.need(second, thing));
        ranks.barrier("a call");
        if (rank == 1) {
            ranks.need(second, 0);
        }
        ranks.end();
        ranks.barrier("the end");
        return given;
    }

    @Test
    void ranksServeEachOtherUntilAllHaveComeToACall() throws Exception {
        List<Callable<List<String>>> works =
                List.of(
                        () -> serve(0, List.of(1, 0), List.of(4)),
                        () -> serve(1, List.of(1), List.of()),
                        () -> serve(2, List.of(), List.of()));
        List<List<String>> given = new ArrayList<>();
        try (var threads = Executors.newFixedThreadPool(RANKS)) {
            for (Future<List<String>> rank : threads.invokeAll(works)) {
                given.add(rank.get());
            }
        }
        assertEquals(List.of("2/1 needed", "2/0 needed", "5/4 needed", "5/0"), given.get(0));
        assertEquals(List.of("2/1 needed", "2/0", "5/4", "5/0 needed"), given.get(1));
        assertEquals(List.of("2/1", "2/0", "5/4", "5/0"), given.get(2));
    }
}
