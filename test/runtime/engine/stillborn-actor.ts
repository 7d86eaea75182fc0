/** A pool task whose worker never comes up. */
process.exit(3)
