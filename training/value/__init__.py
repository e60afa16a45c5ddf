"""What each action is worth for each customer: learners of the value, behind one interface."""
