"""Teaching: from a handful of labelled clips to a head, cross-validated by source and said in plain words."""
