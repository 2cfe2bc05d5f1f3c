/// What methods that learn from rows share: groups computed together, references and their cache.
package org.attune.trainers.rows;
