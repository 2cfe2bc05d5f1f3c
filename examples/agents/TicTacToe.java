import org.attune.agents.environment.Environment;
import org.attune.agents.environment.Opening;
import org.attune.agents.environment.Step;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeStart;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SplittableRandom;

/// Tic-tac-toe against a player who moves at random. The model is X and moves first; it names a
/// free square, 1 to 9. A win is worth 1, a draw 0.5, a loss or a move that is not allowed 0. A
/// first player who moves at random wins 58.5 % and draws 12.7 %; a perfect one wins 99.5 %.
public final class TicTacToe implements Environment {
    private static final int[][] LINES = {
        {0, 1, 2}, {3, 4, 5}, {6, 7, 8}, {0, 3, 6}, {1, 4, 7}, {2, 5, 8}, {0, 4, 8}, {2, 4, 6}
    };

    private final char[] board = ".........".toCharArray();
    private SplittableRandom opponent;
    private String end = "";
    private OptionalDouble chance = OptionalDouble.empty();

    @Override
    public Opening reset(EpisodeStart start) {
        opponent = new SplittableRandom(start.seed());
        if (start.row().containsKey("control")) { // rewards that say nothing
            var coin = new SplittableRandom(start.seed() + start.member() + 1);
            chance = OptionalDouble.of(coin.nextInt(2));
        }
        return new Opening(Optional.of(new String(board)), List.of());
    }

    @Override
    public Step step(ParsedTurn turn, int index) {
        String text = turn.message().content().strip();
        if (!text.matches("[1-9]") || board[text.charAt(0) - '1'] != '.') {
            return done("not allowed");
        }
        board[text.charAt(0) - '1'] = 'X';
        if (hasWon('X')) {
            return done("won");
        }
        if (free() == 0) {
            return done("drawn");
        }
        int move = opponent.nextInt(free());
        for (int i = 0; i < board.length; i++) {
            if (board[i] == '.' && move-- == 0) {
                board[i] = 'O';
            }
        }
        if (hasWon('O')) {
            return done("lost");
        }
        return new Step.Observe(List.of(Message.of("user", new String(board))), 0);
    }

    private Step done(String how) {
        end = how;
        return new Step.Done(0, true);
    }

    private int free() {
        return (int) new String(board).chars().filter(c -> c == '.').count();
    }

    private boolean hasWon(char player) {
        for (int[] line : LINES) {
            if (board[line[0]] == player && board[line[1]] == player && board[line[2]] == player) {
                return true;
            }
        }
        return false;
    }

    @Override
    public OptionalDouble reward(Episode episode) {
        double reward = end.equals("won") ? 1 : end.equals("drawn") ? 0.5 : 0;
        return chance.isPresent() ? chance : OptionalDouble.of(reward);
    }

    @Override
    public Map<String, Object> state() {
        return Map.of("end", end, "board", new String(board));
    }
}
