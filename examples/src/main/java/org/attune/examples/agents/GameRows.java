package org.attune.examples.agents;

import org.apache.commons.rng.UniformRandomProvider;

import java.util.List;

/// Games of players who know the rules and nothing else.
final class GameRows {
    /// What a game of guessing begins with.
    static final String GUESS = "1-15?";

    /// What a game of tic-tac-toe begins with; the environment adds the board.
    static final String BOARD = "X ";

    private static final int HIGHEST = 15;
    private static final int GUESSES = 4;
    private static final int SQUARES = 9;

    private GameRows() {}

    /// Half of the guesses heed what was said before, the others are any number.
    static Dialogue guessing(UniformRandomProvider random) {
        int secret = 1 + random.nextInt(HIGHEST);
        int low = 1;
        int high = HIGHEST;
        Dialogue dialogue = new Dialogue(List.of(), "").user(GUESS);
        for (int i = 0; i < GUESSES; i++) {
            int guess =
                    random.nextBoolean()
                            ? low + random.nextInt(high - low + 1)
                            : 1 + random.nextInt(HIGHEST);
            dialogue.assistant(String.valueOf(guess));
            if (guess == secret || i == GUESSES - 1) {
                break;
            }
            dialogue.user(guess < secret ? "higher" : "lower");
            if (guess < secret) {
                low = Math.max(low, guess + 1);
            } else {
                high = Math.min(high, guess - 1);
            }
        }
        return dialogue;
    }

    /// Both players take any free square. Nobody stops at a line: that is the environment's.
    static Dialogue ticTacToe(UniformRandomProvider random) {
        char[] board = ".".repeat(SQUARES).toCharArray();
        Dialogue dialogue = new Dialogue(List.of(), "");
        int moves = 1 + random.nextInt((SQUARES + 1) / 2);
        for (int i = 0; i < moves; i++) {
            dialogue.user((i == 0 ? BOARD : "") + new String(board));
            dialogue.assistant(String.valueOf(1 + take(board, 'X', random)));
            if (2 * i + 2 < SQUARES) {
                take(board, 'O', random);
            }
        }
        return dialogue;
    }

    /// @return which square was taken, from 0
    private static int take(char[] board, char player, UniformRandomProvider random) {
        int square = random.nextInt(SQUARES);
        while (board[square] != '.') {
            square = random.nextInt(SQUARES);
        }
        board[square] = player;
        return square;
    }
}
