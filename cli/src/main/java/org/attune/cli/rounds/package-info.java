/// Commands about recorded rounds: `attune episodes` shows them, `attune rescore` judges them anew.
package org.attune.cli.rounds;
