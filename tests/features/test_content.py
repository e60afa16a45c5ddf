import numpy as np
import pytest

from features.content import content
from features.domain import Category, Channel, ChannelName, Direction, Offer, OfferId, Response

EMAIL = Channel(ChannelName("email"), Direction.OUTBOUND, True, 0.5)
SHELF = Channel(ChannelName("shelf"), Direction.BROADCAST, False, 1.0)
REWARD = Offer(OfferId("r"), "reward", Category("a"), "A", (EMAIL.name, SHELF.name), 400, 100, automatic=True)
COUPON = Offer(OfferId("c"), "coupon", Category("a"), "A", (EMAIL.name,), 900, 50, response=Response.REDEMPTION)


def test_each_pair_gets_the_values_of_its_offer_and_of_its_channel() -> None:
    found = content([REWARD, COUPON, REWARD], [EMAIL, EMAIL, SHELF])
    assert found.margin.tolist() == [400, 900, 400]
    assert found.channels.tolist() == [2, 1, 2]
    assert found.automatic.tolist() == [1, 0, 1]
    assert found.redemption.tolist() == [0, 1, 0]
    assert found.channel_cost.tolist() == [0.5, 0.5, 1.0]
    assert found.channel_broadcast.tolist() == [0, 0, 1]
    assert found.channel_addressable.tolist() == [1, 1, 0]


def test_where_nothing_was_sent_the_channel_is_unknown_and_the_offer_is_not() -> None:
    found = content([REWARD], [None])
    assert found.margin.tolist() == [400]
    assert np.isnan([found.channel_cost[0], found.channel_inbound[0], found.channel_addressable[0]]).all()


def test_no_pairs_give_empty_values() -> None:
    assert content([], []).margin.shape == (0,)


def test_offers_and_channels_must_pair_up() -> None:
    with pytest.raises(ValueError, match="one channel each"):
        content([REWARD], [])
